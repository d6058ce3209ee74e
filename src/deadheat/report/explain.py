"""A rule's page in the terminal (`deadheat explain DH101`).

Owns the layout; the text is the rule's. It must not import rules: a front door hands over a `RulePage`.
Markdown in the text is set by rich.
"""

from io import StringIO

from msgspec import Struct
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from deadheat.model import Confidence, Impact, Severity
from deadheat.report.text import MINIMUM_WIDTH, Paper, render_lines, safe_char


class Example(Struct, frozen=True):
    """A piece of Rust that the rule does or does not find something in, and what it shows."""

    code: str
    title: str = ""


class RulePage(Struct, frozen=True):
    """What a rule says about itself. `explanation` and `fixes` may hold Markdown."""

    code: str
    name: str
    title: str
    severity: Severity
    confidence: Confidence
    explanation: str
    cwe: tuple[int, ...] = ()
    impact: tuple[Impact, ...] = ()
    invalid: tuple[Example, ...] = ()
    valid: tuple[Example, ...] = ()
    fixes: tuple[str, ...] = ()


def render(page: RulePage, *, width: int = 100, colour: bool = False, ascii_only: bool = False) -> str:
    """The page, `width` cells wide (at least 40); code is never folded."""
    paper = Paper(max(width, MINIMUM_WIDTH), ascii_only)
    dot = f" {paper.glyphs.dot} "
    facts = [f"severity {page.severity}", f"confidence {page.confidence}"]
    facts += [f"CWE-{number}" for number in page.cwe]
    facts += [str(impact) for impact in page.impact]
    lines = paper.wrap(Text.assemble((paper.safe(page.code), "bold cyan"), f"  {paper.safe(page.name)}"))
    lines += paper.wrap(page.title, style="bold")
    lines += paper.wrap(dot.join(facts), style="dim")
    out = render_lines([*lines, Text("")], colour=colour) + _markdown(page.explanation, paper, colour=colour)
    for heading, glyph, examples in (
        ("Found", paper.glyphs.bad, page.invalid),
        ("Not found", paper.glyphs.good, page.valid),
    ):
        for example in examples:
            out += render_lines(_example(heading, glyph, example, paper), colour=colour)
    if page.fixes:
        out += "\n" + render_lines([Text("Ways to mend it", style="bold")], colour=colour)
        out += _markdown("\n".join(f"- {fix}" for fix in page.fixes), paper, colour=colour)
    return out


def _example(heading: str, glyph: str, example: Example, paper: Paper) -> list[Text]:
    title = f"{glyph} {heading}" + (f": {example.title}" if example.title else "")
    return [
        Text(""),
        *paper.wrap(title, indent="  ", first="", style="bold"),
        *paper.verbatim(example.code.strip("\n").replace("\t", "    "), indent="    "),
    ]


def _markdown(text: str, paper: Paper, *, colour: bool) -> str:
    clean = "".join(char if char in "\n\t" else safe_char(char, ascii_only=paper.ascii_only) for char in text)
    out = StringIO()
    console = Console(
        file=out,
        width=paper.width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        _environ={},
    )
    console.print(Markdown(clean, hyperlinks=False, code_theme="ansi_dark"))
    drawn = "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
    if paper.ascii_only:
        # What is left of other characters are rich's own bullets and rules, each one cell wide.
        drawn = "".join(char if char.isascii() else {"•": "*"}.get(char, "-") for char in drawn)
    return drawn
