"""The interleaving table: a column per request, time downward, values read and written.

Owns the layout of one execution. The form is Lincheck's (a column per thread), with the raced state's
value in a column of its own. It must not decide what the execution means: `divergence` and `deadlock` do.
Room is given up in this order: time, source line, state column; then one event a line.
"""

from collections.abc import Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text

from deadheat.model import Evidence, Finding
from deadheat.report.divergence import Divergence
from deadheat.report.names import Names, letter
from deadheat.report.rows import Row, rows, story
from deadheat.report.secrets import Masker
from deadheat.report.text import Paper, contrast, pad

_INDENT = 2
_SEPARATOR = 3
_LEAST_COLUMN = 16
"""Cells below which a request's column cannot be read."""
_MOST_STATE = 26


class Layout(Struct, frozen=True):
    """Widths in cells; 0 leaves a column out."""

    time: int
    line: int
    actor: int
    state: int


def draw(finding: Finding, evidence: Evidence, names: Names, paper: Paper, masker: Masker) -> list[Text]:
    """The table of the execution that is the evidence, and a caption for its ✗."""
    tale = story(finding, evidence, names, masker)
    if not tale.rows:
        return []
    actors = tuple(range(len(evidence.scenario.racers))) or tuple(
        sorted({row.actor for row in tale.rows if row.actor is not None})
    )
    kept = rows(tale)
    layout = _layout(kept, len(actors), tale.state, paper)
    if layout is None:
        return _list(kept, paper) + _caption(tale.divergence, paper)
    table = _Table(layout, paper, actors)
    heads = [letter(actor) for actor in actors]
    for actor in actors:
        who = tale.who.get(actor, "")
        if who:
            heads[actors.index(actor)] += f"  {who}"
    lines = table.head(heads, tale.state, steps=tale.steps)
    for row in kept:
        lines.append(table.row(row))
    return lines + _caption(tale.divergence, paper)


def _layout(kept: Sequence[Row], actors: int, state: str, paper: Paper) -> Layout | None:
    time = max((cell_len(row.time) for row in kept), default=0)
    time = max(time, 4)
    line = max((cell_len(paper.safe(row.line)) for row in kept), default=0)
    line = max(line, 4) if line else 0
    if line > 20:
        line = 0
    # What the cells would take if there were room.
    wanted = max((cell_len(paper.safe(row.text)) + 3 for row in kept if row.actor is not None), default=0)
    values = max((cell_len(paper.safe(row.value)) for row in kept), default=0)
    wide = min(max(values, cell_len(paper.safe(state))), _MOST_STATE) if values else 0
    for layout in (
        Layout(time, line, 0, wide),
        Layout(0, line, 0, wide),
        Layout(0, 0, 0, wide),
        Layout(0, 0, 0, 0),
    ):
        fixed = _INDENT + sum(size + _SEPARATOR for size in (layout.time, layout.line, layout.state) if size)
        room = (paper.width - fixed - _SEPARATOR * max(actors - 1, 0)) // max(actors, 1)
        if room >= min(wanted, _LEAST_COLUMN + 4) or (
            layout.time == layout.line == 0 and room >= _LEAST_COLUMN
        ):
            return Layout(layout.time, layout.line, min(room, max(wanted, _LEAST_COLUMN)), layout.state)
    return None


class _Table:
    """Puts cells side by side."""

    def __init__(self, layout: Layout, paper: Paper, actors: Sequence[int]) -> None:
        self._layout = layout
        self._paper = paper
        self._actors = actors

    def head(self, heads: Sequence[str], state: str, *, steps: bool) -> list[Text]:
        """Who is who, and the rule below."""
        layout, glyphs = self._layout, self._paper.glyphs
        time = f"{'step' if steps else 'ms':>{layout.time}}"
        cells = [Text(time)] if layout.time else []
        cells += [Text(self._cell("line", layout.line))] if layout.line else []
        cells += [Text(self._cell(head, layout.actor), style="bold") for head in heads]
        cells += [Text(self._cell(state, layout.state), style="bold")] if layout.state else []
        rule = f"{glyphs.rule}{glyphs.cross}{glyphs.rule}".join(
            glyphs.rule * cell_len(cell.plain) for cell in cells
        )
        return [self._join(cells), Text(" " * _INDENT + rule, style="dim")]

    def row(self, row: Row) -> Text:
        """One event, or what stands for several."""
        layout, glyphs = self._layout, self._paper.glyphs
        cells: list[Text] = []
        if layout.time:
            time = row.time or glyphs.more
            cells.append(Text(f"{time:>{layout.time}}", "dim"))
        if layout.line:
            cells.append(Text(self._cell(row.line, layout.line), "dim"))
        cells += [self._actor(row, actor) for actor in self._actors]
        if layout.state:
            cells.append(Text(self._cell(row.value, layout.state)))
        return self._join(cells)

    def _actor(self, row: Row, actor: int) -> Text:
        width, glyphs = self._layout.actor, self._paper.glyphs
        if actor == row.actor:
            mark = f" {glyphs.bad}" if row.bad else ""
            text = self._paper.fit(self._value(row, width - cell_len(mark)), width - cell_len(mark))
            return Text(pad(text + mark, width), style="bold red" if row.bad else "")
        if row.actor is None:
            return Text(self._cell(row.others.get(actor, ""), width), style="bold red" if row.bad else "dim")
        held = row.others.get(actor)
        if held is None:
            return Text(" " * width)
        return Text(self._cell(f"{glyphs.held} {held}".rstrip(), width), style="dim")

    def _value(self, row: Row, width: int) -> str:
        """The longest way to say it that fits."""
        glyphs, safe = self._paper.glyphs, self._paper.safe
        ways = [safe(text) for text in (row.text, row.brief) if text]
        for way in ways:
            if cell_len(way) <= width:
                return way
        if row.change:
            room = (width - cell_len(glyphs.arrow) - 2) // 2
            before, after = contrast(tuple(map(safe, row.change)), room, glyphs.ellipsis)
            return f"{before} {glyphs.arrow} {after}"
        return ways[-1]

    def _cell(self, text: str, width: int) -> str:
        return pad(self._paper.fit(self._paper.safe(text), width), width)

    def _join(self, cells: Sequence[Text]) -> Text:
        bar = Text(f" {self._paper.glyphs.bar} ", style="dim")
        line = Text(" " * _INDENT)
        line.append_text(bar.join(cells))
        return line


def _list(kept: Sequence[Row], paper: Paper) -> list[Text]:
    """One event a line, where there are too many requests for columns."""
    glyphs = paper.glyphs
    lines: list[Text] = []
    for row in kept:
        if row.actor is None:
            words = ", ".join(f"{letter(actor)} {text}" for actor, text in row.others.items())
            lines.append(
                Text(paper.fit(paper.safe(f"  {glyphs.more} {words or row.text}"), paper.width), "dim")
            )
            continue
        mark = f" {glyphs.bad}" if row.bad else ""
        text = paper.safe(f"  {letter(row.actor)}  {row.text}")
        lines.append(
            Text(paper.fit(text, paper.width - cell_len(mark)) + mark, style="bold red" if row.bad else "")
        )
    return lines


def _caption(divergence: Divergence | None, paper: Paper) -> list[Text]:
    """What is wrong with the read marked ✗, in a sentence."""
    if divergence is None:
        return []
    reader, writer = letter(divergence.reader), letter(divergence.writer)
    seen, left, other = divergence.seen, divergence.left, divergence.other
    if divergence.kind == "changed":
        found = (
            f"{reader} finds {seen} where it had left {left}" if seen and left else f"{reader} looks again"
        )
        words = f"{found}: {writer} changed it in between."
    else:
        to = f" to {other}" if other else ""
        what = f"{reader} reads {seen}" if seen else f"{reader} reads it"
        words = (
            f"{what}, but {writer} changes it{to} before {reader} acts on it: {reader} acts on an old value."
        )
    return paper.wrap(words, indent="    ", first=f"  {paper.glyphs.bad} ")
