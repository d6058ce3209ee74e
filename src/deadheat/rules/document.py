"""Rules as pages: the documentation is made from what the rules say of themselves.

Owns the Markdown of `docs/rules/`. It must not know where the pages are kept; a test compares
them with what is there.
"""

from deadheat.model import RuleInfo, Safety
from deadheat.rules import RULES, Example, Rule


def page(rule: Rule) -> str:
    """One rule as Markdown."""
    lines = [
        f"# {rule.name} ({rule.code})",
        "",
        rule.summary,
        "",
        "| | |",
        "|---|---|",
        f"| severity | {rule.severity.value} |",
        f"| confidence | {rule.confidence.value}, where data or control flow is proven |",
        f"| impact | {', '.join(impact.value for impact in rule.impact)} |",
        f"| weakness | {', '.join(f'CWE-{number}' for number in rule.cwe)} |",
        "",
        *_paragraphs(rule.explanation),
    ]
    for heading, examples in (("Found", rule.invalid), ("Not found", rule.valid)):
        if examples:
            lines += [f"## {heading}", ""]
            for example in examples:
                lines += _example(example)
    lines += ["## Mend", ""]
    for fix in rule.fixes:
        review = "" if fix.safety is Safety.SAFE else " (to be reviewed by a person)"
        lines.append(f"- **{fix.title}**{review}")
        lines += [f"  - why it works: {fix.argument}"] if fix.argument else []
        lines += [f"  - what it costs: {fix.cost}"] if fix.cost else []
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    """The explanation; what is indented in it is a drawing."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        rows = paragraph.split("\n")
        if all(row.startswith("    ") for row in rows):
            lines += ["```text", *(row[4:] for row in rows), "```", ""]
        else:
            lines += [*rows, ""]
    return lines


def _example(example: Example) -> list[str]:
    return [
        f"{example.title[:1].upper()}{example.title[1:]}:",
        "",
        "```rust",
        example.source.rstrip(),
        "```",
        "",
    ]


def information() -> tuple[RuleInfo, ...]:
    """Every rule as plain data, for reports."""
    return tuple(
        RuleInfo(
            rule.code, rule.name, rule.title, rule.summary, rule.explanation, rule.severity, rule.confidence,
            rule.cwe, rule.impact, rule.fixes, page(rule),
        )
        for rule in RULES.values()
    )  # fmt: skip


def pages() -> dict[str, str]:
    """Every page by file name, and the index."""
    found = {f"{rule.name}.md": page(rule) for rule in RULES.values()}
    rows = [
        f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.severity.value} | {rule.summary} |"
        for rule in sorted(RULES.values(), key=lambda rule: rule.code)
    ]
    found["README.md"] = "\n".join(
        ["# Rules", "", "| code | rule | severity | what it is |", "|---|---|---|---|", *rows, ""]
    )
    return found
