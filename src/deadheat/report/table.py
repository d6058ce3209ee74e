"""A plain table that fits the width: columns shrink where there is most to spare.

Owns the sharing of room between columns. It must not know what is in them.
"""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from deadheat.report.text import Paper, pad

_LEAST = 6


def share(wanted: Sequence[int], room: int) -> list[int]:
    """What each column gets of `room`: what it wants, or an equal share of what others leave."""
    widths = [0] * len(wanted)
    left = max(room, 0)
    smallest_first = sorted(range(len(wanted)), key=lambda column: wanted[column])
    for position, column in enumerate(smallest_first):
        widths[column] = min(wanted[column], left // (len(wanted) - position))
        left -= widths[column]
    return widths


def columns(
    heads: Sequence[str], rows: Sequence[Sequence[str]], paper: Paper, indent: str = ""
) -> list[Text]:
    """The table: a head, then the rows, cells cut where they do not fit."""
    cells = [[paper.safe(cell) for cell in row] for row in (heads, *rows)]
    wanted = [max(cell_len(row[column]) for row in cells) for column in range(len(heads))]
    widths = share(wanted, paper.width - cell_len(indent) - 2 * (len(heads) - 1))
    lines = []
    for number, row in enumerate(cells):
        line = "  ".join(pad(paper.fit(cell, width), width) for cell, width in zip(row, widths, strict=True))
        lines.append(Text(f"{indent}{line}".rstrip(), style="dim" if number == 0 else ""))
    return lines
