"""Source excerpts with labels under the code, as compilers draw them.

Owns the layout: which lines are shown, how long ones are cut around what is marked, where labels go.
It must not open files (the text comes with the run) nor decide what is worth marking.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text

from deadheat.model import Span
from deadheat.report.text import Paper, safe_char, slice_cells

_TAB = "    "
_MOST_LINES_BETWEEN = 8
"""More lines than this between two marks are elided."""


class Mark(Struct, frozen=True):
    """A span to underline with `glyph` and say `label` about."""

    span: Span
    label: str
    glyph: str = "^"
    style: str = "bold"


class Gap(Struct, frozen=True):
    """Something said about the lines between two marks, drawn right before the mark `before`."""

    before: Span
    label: str
    style: str = "yellow"


def excerpt(
    marks: Sequence[Mark],
    sources: Mapping[str, str],
    paper: Paper,
    gap: Gap | None = None,
    place: str = "",
) -> list[Text]:
    """The marked lines, file by file, the first mark's file first; `place` follows its position.

    Where the text of a file is not at hand, its marks are named by position.
    """
    lines: list[Text] = []
    files = list(dict.fromkeys(mark.span.file for mark in marks))
    gutter = max((len(str(mark.span.start_line)) for mark in marks), default=1) + 2
    for file in files:
        here = [mark for mark in marks if mark.span.file == file]
        first = file == files[0]
        arrow = "-->" if first else ":::"
        head = f"{' ' * (gutter - 1)}{arrow} {paper.safe(str(here[0].span))}"
        tail = f"  {paper.safe(place)}" if first and place else ""
        if cell_len(head + tail) > paper.width:
            lines += paper.wrap(Text(head, style="blue"), indent=" " * (gutter + 3), first="")
            lines += paper.wrap(place, indent=" " * (gutter + 3)) if tail else []
        else:
            lines.append(Text.assemble((head, "blue"), tail))
        lines += _file(here, sources.get(file), paper, gutter, gap)
    return lines


def _file(
    marks: Sequence[Mark], source: str | None, paper: Paper, gutter: int, gap: Gap | None
) -> list[Text]:
    text = source.splitlines() if source is not None else []
    drawn = [mark for mark in marks if 1 <= mark.span.start_line <= len(text)]
    lines: list[Text] = []
    for mark in marks:
        if mark not in drawn:
            lines += paper.wrap(
                f"= {mark.label} ({mark.span})", indent=" " * (gutter + 2), first=" " * gutter
            )
    if not drawn:
        return lines
    numbers = _shown([mark.span for mark in drawn], text)
    block = _Block(paper, gutter, _common_indent(text[number - 1] for number in numbers))
    previous = numbers[0] - 1
    out: list[Text] = []
    for number in numbers:
        if number != previous + 1:
            out.append(Text(" " * (gutter - 1) + "...", style="blue"))
        previous = number
        here = sorted(
            (mark for mark in drawn if mark.span.start_line == number), key=lambda m: m.span.start_column
        )
        # Between the lines where they differ; where check and act share one, between their labels.
        closes = gap is not None and any(mark.span == gap.before for mark in here)
        if gap is not None and closes and len(here) == 1:
            out += block.gap(gap)
        out += block.line(number, text[number - 1], here)
        for mark in here:
            if gap is not None and closes and len(here) > 1 and mark.span == gap.before:
                out += block.gap(gap)
            out += block.label(mark)
    return out + lines


def _shown(spans: Sequence[Span], text: Sequence[str]) -> list[int]:
    """Line numbers to show: the marked ones, and what lies between while it is short."""
    wanted = sorted({span.start_line for span in spans})
    shown: list[int] = []
    for line in wanted:
        if shown:
            between = range(shown[-1] + 1, line)
            if len(between) <= _MOST_LINES_BETWEEN:
                shown += between
            else:
                # What follows the first and what leads to the second say most.
                shown += [n for n in (*between[:2], *between[-2:]) if text[n - 1].strip()]
        shown.append(line)
    return shown


def _common_indent(lines: Iterable[str]) -> int:
    """Leading spaces (after tabs are expanded) shared by all lines that have content."""
    widths = []
    for line in lines:
        expanded = line.replace("\t", _TAB)
        if expanded.strip():
            widths.append(len(expanded) - len(expanded.lstrip(" ")))
    return min(widths, default=0)


class _Block:
    """Draws the lines of one file, remembering how the last one was cut."""

    def __init__(self, paper: Paper, gutter: int, indent: int) -> None:
        self._paper = paper
        self._gutter = gutter
        self._indent = indent
        self._room = max(paper.width - gutter - 4, 8)
        self._offset = indent
        self._source = ""

    def line(self, number: int, source: str, marks: Sequence[Mark]) -> list[Text]:
        """One line of source, cut so that what is marked can be seen."""
        self._source = source
        code = self._expand(source)
        self._offset = self._indent
        room = self._room
        if cell_len(code) - self._offset > room and marks:
            start = min(self._range(mark)[0] for mark in marks)
            end = max(self._range(mark)[1] for mark in marks)
            if end - self._offset > room - 1:
                self._offset = max(self._indent, min(start - 4, end - room + 2))
        shown = slice_cells(code, self._offset, room)
        mark = self._paper.glyphs.ellipsis
        if self._offset > self._indent:
            shown = mark + slice_cells(code, self._offset + 1, room - 1)
        if cell_len(code) - self._offset > room:
            shown = slice_cells(shown, 0, room - 1) + mark
        number_text = f"{number:>{self._gutter}}"
        return [Text.assemble((f"{number_text} | ", "blue"), " ", shown.rstrip())]

    def label(self, mark: Mark) -> list[Text]:
        """The underline of a mark and its label: beside it, or below where there is no room."""
        start, end = (min(max(at - self._offset, 0), self._room) for at in self._range(mark))
        start = min(start, self._room - 1)
        under = mark.glyph * max(1, end - start)
        label = self._paper.safe(mark.label)
        lead = f"{self._margin} {' ' * start}"
        if start + len(under) + 1 + cell_len(label) <= self._room:
            return [
                Text.assemble((self._margin, "blue"), f" {' ' * start}", (f"{under} {label}", mark.style))
            ]
        lines = [Text.assemble((self._margin, "blue"), lead[len(self._margin) :], (under, mark.style))]
        # Below, flush with the underline or as near to it as the label's length allows.
        at = max(min(start, self._room - cell_len(label)), 2)
        return lines + self._below(label, at, mark.style)

    def gap(self, gap: Gap) -> list[Text]:
        """What is said about the stretch between two marks."""
        label = self._paper.safe(f"^ {gap.label}")
        return self._below(label, 0, gap.style)

    def _below(self, label: str, at: int, style: str) -> list[Text]:
        narrow = Paper(self._room - at, self._paper.ascii_only)
        return [
            Text.assemble((self._margin, "blue"), " " * (at + 1), line)
            for line in narrow.wrap(Text(label, style=style))
        ]

    @property
    def _margin(self) -> str:
        return f"{' ' * self._gutter} | "

    def _expand(self, source: str) -> str:
        return "".join(self._char(char) for char in source)

    def _char(self, char: str) -> str:
        return _TAB if char == "\t" else safe_char(char, ascii_only=self._paper.ascii_only)

    def _range(self, mark: Mark) -> tuple[int, int]:
        """The mark's cells in the expanded line; a mark of several lines ends with its first."""
        span = mark.span
        stop = span.end_column if span.end_line == span.start_line else len(self._source.rstrip()) + 1
        start = cell_len(self._expand(self._source[: span.start_column - 1]))
        return start, max(start + 1, cell_len(self._expand(self._source[: stop - 1])))
