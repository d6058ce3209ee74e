"""Printed values of shared state, told apart in few words.

Owns the comparison of texts such as Rust's `Debug` prints: of
`{"X": Coupon { amount: 10, used: false }}` and `{"X": Coupon { amount: 10, used: true }}` only
`used: false` and `used: true` need be read. It must not know what the values mean; texts that are not of
one shape are left as they are.
"""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\*\*\*\d+|[\w.+-]+|\S")
_SHORT = 16
"""Cells up to which a value is shown whole."""
_MOST_PLACES = 4
"""Differences past which picking them out no longer helps."""
_LONGEST = 2_000


def distil(values: Iterable[str]) -> dict[str, str]:
    """For each value what tells it from the others; itself where it is short or no pattern shows.

    Different values stay different.
    """
    distinct = list(dict.fromkeys(values))
    plain = {value: value for value in distinct}
    if len(distinct) < 2 or max(map(cell_len, distinct)) <= _SHORT:
        return plain
    split = [_tokens(value) for value in distinct]
    places = _places(split)
    if not places:
        return plain
    return {
        value: ", ".join(_facet(tokens, place) for place in places)
        for value, tokens in zip(distinct, split, strict=True)
    }


def changes(before: str, after: str) -> tuple[tuple[str, str, str], ...]:
    """What differs, as (field name or "", before, after); the whole where no pattern shows."""
    split = [_tokens(before), _tokens(after)]
    places = _places(split) if max(cell_len(before), cell_len(after)) > _SHORT else ()
    if not places:
        return (("", before, after),)
    return tuple((_label(split[0], place), split[0][place], split[1][place]) for place in places)


def _tokens(value: str) -> Sequence[str]:
    return _TOKEN.findall(value[:_LONGEST]) if len(value) <= _LONGEST else ()


def _places(split: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Where token lists of one length differ; () when they are of another shape or differ widely."""
    if len({len(tokens) for tokens in split}) != 1:
        return ()
    places = tuple(i for i, column in enumerate(zip(*split, strict=True)) if len(set(column)) > 1)
    return places if len(places) <= _MOST_PLACES else ()


def _label(tokens: Sequence[str], place: int) -> str:
    return (
        tokens[place - 2] if place >= 2 and tokens[place - 1] == ":" and tokens[place - 2].isascii() else ""
    )


def _facet(tokens: Sequence[str], place: int) -> str:
    label = _label(tokens, place)
    return f"{label}: {tokens[place]}" if label else tokens[place]
