"""The report for people, in a terminal.

Owns the order of its parts: what could make a pass meaningless, then the findings, how far the search
went, the counts. It must not open anything nor ask the environment: width, colour and character set are
given. Lines meant to be pasted (commands, configuration stubs) are never folded; all others fit the width.
"""

from rich.text import Text

from deadheat.model import Run
from deadheat.report import attacked, explored, finding, summary, untested
from deadheat.report.names import Names
from deadheat.report.order import order
from deadheat.report.secrets import Masker
from deadheat.report.text import MINIMUM_WIDTH, Paper, render_lines


def render(run: Run, *, width: int = 100, colour: bool = False, ascii_only: bool = False) -> str:
    """The whole report, `width` cells wide (at least 40); every text in it is safe to print."""
    paper = Paper(max(width, MINIMUM_WIDTH), ascii_only)
    names = Names(run)
    masker = Masker()
    parts = [untested.draw(run, paper)]
    parts += [finding.draw(each, run, names, paper, masker) for each in order(run.findings)]
    parts += [attacked.draw(run, paper, masker), explored.draw(run, names, paper), summary.draw(run, paper)]
    lines: list[Text] = []
    for part in parts:
        if part:
            lines += [*([Text("")] if lines else []), *part]
    return render_lines(lines, colour=colour)
