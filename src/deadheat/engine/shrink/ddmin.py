"""Delta debugging: the fewest of several parts with which something still holds.

Pure. Owns which subsets are asked about. Theory: Zeller and Hildebrandt, *Simplifying and isolating
failure-inducing input*, IEEE TSE 28(2), 2002, algorithm *ddmin*: halves first, then their complements,
then finer. What is left is 1-minimal (no single part can be left out any more) unless the answers depend
on something else than the subset.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def ddmin(parts: Sequence[T], holds: Callable[[Sequence[T]], bool]) -> list[T]:
    """Give a 1-minimal subsequence of `parts` for which `holds`; it is taken to hold for all of them.

    `holds` may be asked about the same subset twice; it is asked about none at all first.
    """
    kept = list(parts)
    if not kept or holds([]):
        return []
    pieces = 2
    while len(kept) > 1:
        for fewer, finer in _subsets(kept, pieces):
            if holds(fewer):
                kept, pieces = fewer, finer
                break
        else:
            if pieces >= len(kept):
                break
            pieces = min(2 * pieces, len(kept))
    return kept


def _subsets(kept: list[T], pieces: int) -> Iterator[tuple[list[T], int]]:
    """Give each piece, then each complement, with into how many pieces it is cut next."""
    edges = [len(kept) * index // pieces for index in range(pieces + 1)]
    cuts = [(kept[start:end], kept[:start] + kept[end:]) for start, end in pairwise(edges)]
    for piece, _ in cuts:
        yield piece, 2
    if pieces > 2:  # of two, each is the other's complement
        for _, complement in cuts:
            yield complement, max(pieces - 1, 2)
