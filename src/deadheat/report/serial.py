"""The serial outcomes beside the observed one: why no order of whole requests explains it.

Owns that table. It must not judge (the oracle did) nor hide what makes outcomes differ: long answers are
cut where they agree.
"""

from collections.abc import Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text

from deadheat.model import Outcome, Violation
from deadheat.report.names import letter, number, short
from deadheat.report.secrets import Masker
from deadheat.report.table import share
from deadheat.report.text import Paper, contrast, pad

_MOST_ORDERS = 6
_LEAST_COLUMN = 12


class Line(Struct, frozen=True):
    """One line of the table: a name, then a cell per answer and per observed value."""

    name: str
    cells: tuple[str, ...]
    seen: bool = False


def draw(verdict: Violation, paper: Paper, masker: Masker) -> list[Text]:
    """The orders that were run one request after another, and what was seen instead."""
    arrow = paper.glyphs.arrow
    lines = [_line("observed", verdict.observed, paper, masker, seen=True)]
    grouped = orders(verdict)
    shown = [_line(name, outcome, paper, masker) for name, outcome in grouped[:_MOST_ORDERS]]
    if not shown:
        # Nobody answered, and who waits for whom was said: there is no outcome to compare.
        if verdict.deadlock:
            return []
        return _draw(lines, _heads(verdict.observed, paper), paper, arrow, "What was observed:")
    title = (
        "One request after the other (A;B: first A, then B):"
        if verdict.deadlock
        else "No serial order explains this (A;B: first A, then B):"
    )
    hidden = len(grouped) - len(shown)
    drawn = _draw([*shown, *lines], _heads(verdict.observed, paper), paper, arrow, title)
    if hidden > 0:
        drawn += paper.wrap(f"(and {number(hidden, 'more serial outcome')}, none equal to it)", indent="    ")
    return drawn


def orders(verdict: Violation) -> list[tuple[str, Outcome]]:
    """The different serial outcomes, each with the orders that lead to it (`A;B`)."""
    grouped: dict[Outcome, list[str]] = {}
    for serial in verdict.serial:
        name = ";".join(map(letter, serial.order)) or "one by one"
        grouped.setdefault(serial.outcome, []).append(name)
    return [
        (", ".join(names) if len(names) <= 2 else f"{names[0]} +{len(names) - 1}", outcome)
        for outcome, names in grouped.items()
    ]


def _heads(outcome: Outcome, paper: Paper) -> tuple[str, ...]:
    answers = [letter(actor) for actor in range(len(outcome.responses))]
    return (*answers, *(paper.safe(_probe(name)) for name, _ in outcome.state))


def _probe(name: str) -> str:
    """`count` for `ActiveUsers.count`; a request that looks at the state keeps its line."""
    return name if " " in name or "/" in name else short(name)


def _line(name: str, outcome: Outcome, paper: Paper, masker: Masker, *, seen: bool = False) -> Line:
    answers = [paper.safe(masker.text(response)) for response in outcome.responses]
    state = [paper.safe(masker.named(probe, value)) for probe, value in outcome.state]
    return Line(name, (*answers, *state), seen)


def _draw(lines: Sequence[Line], heads: Sequence[str], paper: Paper, arrow: str, title: str) -> list[Text]:
    first = max(cell_len(line.name) for line in lines)
    columns = max(len(line.cells) for line in lines)
    table = [[*line.cells, *[""] * (columns - len(line.cells))] for line in lines]
    heads = [*heads, *[""] * (columns - len(heads))]
    widths = _widths(table, heads, paper.width - 4 - first - 2 - cell_len(arrow), columns)
    out = paper.wrap(title, indent="    ", first="  ", style="bold")
    if widths is None:
        for line in lines:
            style = "bold red" if line.seen else ""
            out.append(Text(paper.fit(f"    {line.name} {arrow}", paper.width), style=style))
            for head, cell in zip(heads, line.cells, strict=False):
                out.append(Text(paper.fit(f"      {head}: {cell}", paper.width), style=style))
        return out
    for column, width in enumerate(widths):
        cut = contrast([row[column] for row in table], width, paper.glyphs.ellipsis, lead=4)
        for row, cell in zip(table, cut, strict=True):
            row[column] = cell
    lead = " " * (4 + first + 1 + cell_len(arrow) + 1)
    out.append(
        Text(lead + "   ".join(pad(paper.fit(h, w), w) for h, w in zip(heads, widths, strict=True)), "dim")
    )
    for line, row in zip(lines, table, strict=True):
        cells = "   ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True))
        out.append(
            Text(f"    {pad(line.name, first)} {arrow} {cells}", style="bold red" if line.seen else "")
        )
    return out


def _widths(table: Sequence[Sequence[str]], heads: Sequence[str], room: int, count: int) -> list[int] | None:
    """What each column gets; None where one would be too narrow to compare anything."""
    wanted = [max(cell_len(row[column]) for row in [*table, heads]) for column in range(count)]
    widths = share(wanted, room - 3 * max(count - 1, 0))
    enough = all(got >= min(want, _LEAST_COLUMN) for got, want in zip(widths, wanted, strict=True))
    return widths if enough else None
