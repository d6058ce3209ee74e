"""Text that is safe to print and measured in terminal cells.

Owns what every drawing needs: sanitising, glyphs with their ASCII fallback, cutting and wrapping by
cells. It must not know findings. Everything a report prints that is not its own prose was written by
the application under test or by whoever sends it requests, so it passes through `safe` first: control
characters would reach the terminal (CWE-150), bidirectional overrides would show source in another
order than it has ("Trojan Source", CVE-2021-42574). Cell widths are rich's.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from io import StringIO

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

MINIMUM_WIDTH = 40
"""Below this nothing can be drawn; a narrower terminal wraps."""


class Glyphs(Struct, frozen=True):
    """The characters a drawing uses that are not letters. Each has a word beside it: never glyph alone."""

    bar: str
    rule: str
    cross: str
    held: str
    bad: str
    good: str
    unknown: str
    arrow: str
    ellipsis: str
    dot: str
    dash: str
    times: str
    beside: str
    more: str


UNICODE = Glyphs("│", "─", "┼", "┆", "✗", "✓", "?", "→", "…", "·", "–", "×", "∥", "⋮")
ASCII = Glyphs("|", "-", "+", ":", "x", "+", "?", "->", "~", "-", "-", "x", "||", ":")

# Our own prose in ASCII: what these mean is kept, where an escape would only puzzle.
_SPELLED = {
    "→": "->", "➜": "->", "…": "...", "·": "-", "–": "-", "−": "-", "—": "-", "×": "x", "∥": "||",
    "“": '"', "”": '"', "‘": "'", "’": "'", "≥": ">=", "≤": "<=", "\u00a0": " ",
}  # fmt: skip
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _is_variation_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def safe_char(char: str, *, ascii_only: bool = False) -> str:
    """What stands for one character: itself, nothing, or an escape as Rust writes it."""
    if " " <= char <= "~":
        return char
    if char in _ESCAPES:
        return _ESCAPES[char]
    if _is_variation_selector(char):
        # It alters the width of its neighbour and says nothing: without it, widths add up.
        return ""
    if unicodedata.category(char) in _UNPRINTABLE:
        return f"\\x{ord(char):02x}" if ord(char) < 0x80 else f"\\u{{{ord(char):x}}}"
    if ascii_only:
        return _SPELLED.get(char) or f"\\u{{{ord(char):x}}}"
    return char


def safe(text: str, *, ascii_only: bool = False) -> str:
    """`text` on one line, with nothing in it that a terminal would obey."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(safe_char(char, ascii_only=ascii_only) for char in text)


def slice_cells(text: str, start: int, width: int) -> str:
    """The part of `text` in the `width` cells from cell `start` on; half characters become spaces."""
    out: list[str] = []
    at = 0
    end = start + width
    for char in text:
        size = cell_len(char)
        if at >= start and at + size <= end:
            # A combining mark right after a cut belongs to what was cut away.
            if size or at > start or start == 0:
                out.append(char)
        elif at < end and at + size > start:
            out.append(" " * (min(at + size, end) - max(at, start)))
        elif at >= end:
            break
        at += size
    return "".join(out)


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells, its end replaced by an ellipsis where it is longer."""
    if cell_len(text) <= width:
        return text
    mark = cell_len(ellipsis)
    if width <= mark:
        return slice_cells(ellipsis, 0, max(width, 0))
    return slice_cells(text, 0, width - mark).rstrip() + ellipsis


def pad(text: str, width: int) -> str:
    """`text` filled with spaces up to `width` cells."""
    return text + " " * max(0, width - cell_len(text))


def contrast(values: Sequence[str], width: int, ellipsis: str = "…", lead: int = 0) -> tuple[str, ...]:
    """`values`, each in at most `width` cells, cut where they agree and not where they differ.

    The first `lead` characters are kept where all agree on them and there is room (a status code, say).

    Long answers mostly differ at their end ("One more: 2 active now"): cutting the end of each would
    show the same text for different outcomes.
    """
    longest = max((cell_len(value) for value in values), default=0)
    if longest <= width or len(set(values)) < 2:
        return tuple(fit(value, width, ellipsis) for value in values)
    common = _common_prefix(values)
    # The difference, with as much of what leads to it as there is room for.
    differing = max(cell_len(value[common:]) for value in values)
    room = width - cell_len(ellipsis) - differing
    head = values[0][:lead] if common >= lead and room >= cell_len(values[0][:lead]) + 1 else ""
    keep = min(common - len(head), max(room - cell_len(head), 0 if head else 2 if width < 12 else 4))
    if common - keep - len(head) <= cell_len(ellipsis):
        return tuple(fit(value, width, ellipsis) for value in values)
    return tuple(fit(head + ellipsis + value[common - keep :], width, ellipsis) for value in values)


def _common_prefix(values: Sequence[str]) -> int:
    first, last = min(values), max(values)
    for index, char in enumerate(first):
        if index >= len(last) or last[index] != char:
            return index
    return len(first)


class Paper(Struct, frozen=True):
    """What a report is drawn on: how wide, and whether only ASCII may be used."""

    width: int = 100
    ascii_only: bool = False

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii_only else UNICODE

    def safe(self, text: str) -> str:
        """`text` on one line, printable."""
        return safe(text, ascii_only=self.ascii_only)

    def fit(self, text: str, width: int) -> str:
        """`text` cut to `width` cells."""
        return fit(text, width, self.glyphs.ellipsis)

    def wrap(
        self, text: str | Text, indent: str = "", first: str | None = None, style: str = ""
    ) -> list[Text]:
        """Prose folded to the width: `indent` before each line, `first` (if given) before the first.

        A `str` is made safe, its line breaks kept; a `Text` is taken as it is.
        """
        prose = (
            text
            if isinstance(text, Text)
            else Text("\n".join(map(self.safe, text.splitlines())), style=style)
        )
        room = max(self.width - cell_len(indent), 8)
        folded = prose.wrap(_measuring_console(), room, tab_size=4) if prose.plain.strip() else [Text("")]
        lines: list[Text] = []
        for number, line in enumerate(folded):
            line.rstrip()
            lead = first if number == 0 and first is not None else indent
            lines.append(Text.assemble(lead, line))
        return lines

    def verbatim(self, text: str, indent: str = "", style: str = "") -> list[Text]:
        """Lines meant to be pasted: never folded and never cut, however long."""
        return [Text(indent + self.safe(line), style=style) for line in text.splitlines()]

    def sides(self, left: Text, right: Text, indent: str = "") -> list[Text]:
        """`left` and, at the right margin, `right`; on two lines where they do not fit in one."""
        gap = self.width - left.cell_len - right.cell_len
        if gap >= 2:
            return [Text.assemble(left, " " * gap, right)]
        return [*self.wrap(left, indent=indent, first=""), *self.wrap(right, indent=indent, first=indent)]


@cache
def _measuring_console() -> Console:
    # Text.wrap wants one for its tab size and emoji table; the environment is none of its business.
    return Console(file=StringIO(), width=MINIMUM_WIDTH, _environ={})


def render_lines(lines: Iterable[Text], *, colour: bool) -> str:
    """The lines as one string, with terminal colours when asked for."""
    if not colour:
        return "".join(line.plain.rstrip() + "\n" for line in lines)
    out = StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        legacy_windows=False,
        highlight=False,
        width=1000,
        _environ={},
    )
    for line in lines:
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    return out.getvalue()
