"""A run as Markdown, compact enough for a comment on a pull request.

Owns that form: a table of findings, one folded section a finding, the interleaving as a Mermaid sequence
diagram. Everything in it that the application or a request wrote is escaped: Markdown may hold HTML.
"""

import re

from deadheat.model import Evidence, Finding, Run
from deadheat.report import attacked, explored, shrunk, strategies
from deadheat.report import finding as findings
from deadheat.report.again import command
from deadheat.report.names import Names, letter
from deadheat.report.order import order
from deadheat.report.rows import Row, rows, story
from deadheat.report.secrets import Masker
from deadheat.report.serial import orders
from deadheat.report.summary import accepted_words, verdict_words
from deadheat.report.text import safe
from deadheat.report.untested import warnings

_SPECIAL = re.compile(r"([\\`*_\[\]#!|<>~&])")
_MERMAID = re.compile(r"[;#<>%\"`{}]")


def render(run: Run) -> str:
    """The whole report."""
    names, masker = Names(run), Masker()
    lines = [f"## Deadheat: {escape(verdict_words(run))}", ""]
    lines += _untested(run)
    ordered = order(run.findings)
    if ordered:
        lines += ["| | Finding | Where | Severity | Proof |", "|---|---|---|---|---|"]
        for each in ordered:
            cells = (each.code, findings.title(each), _where(each), each.severity, findings.proof_words(each))
            lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
        lines.append("")
    for each in ordered:
        lines += _finding(each, names, masker)
    if run.coverage.explorations:
        lines += ["### Explored", ""]
        for exploration in run.coverage.explorations:
            racing = names.racing(exploration.handlers, exploration.requests) if exploration.handlers else ""
            lines.append(
                f"- {escape(racing or exploration.scenario)}: {escape(explored.status(exploration))}"
            )
            lines += [f"  - {escape(told)}" for told in strategies.lines(exploration)]
        lines += ["", escape(explored.bound_words(run)), ""]
    if run.coverage.attacks:
        lines += ["### Attacked", ""]
        for attack in run.coverage.attacks:
            lines.append(f"- {escape(masker.text(f'{attack.scenario}: {attacked.status(attack)}'))}")
            lines += [f"  - {escape(masker.text(words))}" for words in attacked.details(attack)]
        lines += ["", escape(attacked.reach_words()), ""]
    told = [words for words in (accepted_words(run), *run.notes) if words]
    lines += [*(f"- {escape(words)}" for words in told), ""] if told else []
    lines.append(f"{escape(run.tool.name)} {escape(run.tool.version)}, {escape(run.target)}, seed {run.seed}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return (
        _SPECIAL.sub(r"\\\1", safe(text))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
        .replace("\\&", "&amp;")
    )


def code(text: str) -> str:
    """Text as inline code, whatever backticks it holds."""
    clean = safe(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", clean)), default=0) + 1)
    space = " " if "`" in clean else ""
    return f"{fence}{space}{clean}{space}{fence}"


def _untested(run: Run) -> list[str]:
    lines = [f"- {escape(words)}" for words in warnings(run)]
    lines += [f"- not tested: {escape(item.what)}: {escape(item.why)}" for item in run.not_tested]
    return ["**Read this first:** nothing below says anything about these.", "", *lines, ""] if lines else []


def _where(finding: Finding) -> str:
    if not finding.location.file:
        return ", ".join(finding.handlers)
    return f"{finding.location.file}:{finding.location.start_line}"


def _finding(finding: Finding, names: Names, masker: Masker) -> list[str]:
    lines = [
        f"### {escape(finding.code)}: {escape(findings.title(finding))}",
        "",
        " · ".join(
            (
                escape(findings.proof_words(finding)),
                code(_where(finding)),
                escape(names.colliding(finding)),
            )
        ),
        "",
    ]
    if finding.evidence is None:
        lines += [
            escape(masker.text(finding.message)),
            "",
            "Read in the source; nothing has made it happen.",
            "",
        ]
    else:
        lines += _evidence(finding, finding.evidence, names, masker)
    lines += [f"- Fix ({fix.safety}): {escape(fix.title)}" for fix in finding.fixes]
    if finding.evidence:
        again = finding.evidence.again
        typed = command(again, masker) if again else f"deadheat replay {finding.evidence.schedule_id}"
        lines.append(f"- {'Again' if again else 'Replay'}: {code(typed)}")
    return [*lines, f"- Explain: {code(f'deadheat explain {finding.code}')}", ""]


def _evidence(finding: Finding, evidence: Evidence, names: Names, masker: Masker) -> list[str]:
    verdict = evidence.verdict
    lines = [f"**{escape(masker.text(verdict.explanation))}**", "", escape(masker.text(finding.message)), ""]
    tale = story(finding, evidence, names, masker)
    if tale.rows:
        lines += ["```mermaid", "sequenceDiagram"]
        for actor in range(len(evidence.scenario.racers)):
            lines.append(f"    participant {_participant(actor)} as {_diagram(letter(actor))}")
        lines.append(f"    participant S as {_diagram(tale.state)}")
        for row in rows(tale):
            lines += _arrow(row)
        lines += ["```", ""]
    if verdict.serial:
        lines += ["| order | answers and state |", "|---|---|"]
        for order, outcome in orders(verdict):
            lines.append(f"| {escape(order)} | {_outcome(outcome.responses, outcome.state, masker)} |")
        seen = verdict.observed
        lines += [f"| **observed** | {_outcome(seen.responses, seen.state, masker)} |", ""]
    for words in (findings.count_words(finding, evidence), shrunk.words(evidence.shrunk)):
        lines += [escape(words), ""] if words else []
    return lines


def _outcome(responses: tuple[str, ...], state: tuple[tuple[str, str], ...], masker: Masker) -> str:
    answers = [f"{letter(actor)} {code_cell(masker.text(text))}" for actor, text in enumerate(responses)]
    values = [f"{escape(name)} {code_cell(masker.named(name, value))}" for name, value in state]
    return ", ".join((*answers, *values))


def code_cell(text: str) -> str:
    """Inline code inside a table, where a bar would end the cell."""
    return code(text.replace("|", "\\|"))


def _participant(actor: int) -> str:
    return f"R{actor}"


def _arrow(row: Row) -> list[str]:
    if row.actor is None:
        words = ", ".join(f"{letter(actor)} {text}" for actor, text in row.others.items()) or row.text
        return [f"    Note over S: {_diagram(words)}"]
    line = f" (line {row.line})" if row.line else ""
    mark = " ✗" if row.bad else ""
    words = _diagram(row.text + line + mark)
    if not row.step:
        return [f"    Note over {_participant(row.actor)}: {words}"]
    return [f"    {_participant(row.actor)}->>S: {words}"]


def _diagram(text: str) -> str:
    """Text inside a diagram: what would end the line or open a directive becomes an entity code."""
    return _MERMAID.sub(lambda found: f"#{ord(found[0])};", safe(text)) or " "
