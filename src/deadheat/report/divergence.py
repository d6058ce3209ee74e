"""Which read of an execution first saw what no sequential execution would show it.

Owns that one question. It must not know how it is drawn. Two shapes of a read by P divorce it from every
serial order, both being cycles in the conflict graph (Bernstein, Hadzilacos and Goodman 1987, ch. 2; the
anomalies P4 "lost update" and P2 "non-repeatable read" of Berenson et al. 1995):

- stale: P reads x, another actor changes x, then P writes x, relying on what it read;
- changed: P left or saw x with one value, another actor changes x, then P reads another value.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from deadheat.model import AccessKind, Event, EventKind, Span

_WRITES = (AccessKind.WRITE, AccessKind.RMW)


class Divergence(Struct, frozen=True):
    """`reader`'s read (event `seq`) is `kind`; `writer` changed the state (event `by`) meanwhile."""

    seq: int
    by: int
    kind: Literal["stale", "changed"]
    reader: int
    writer: int
    seen: str | None = None
    left: str | None = None
    other: str | None = None


def wrote(event: Event, act: Span | None = None) -> bool:
    """Whether a step wrote: its values differ, or where they are unknown its access says so.

    A write of the value that was there already shows no difference; where the step is the finding's
    act it counts nonetheless.
    """
    if event.before is not None and event.after is not None:
        if event.before != event.after:
            return True
        is_act = event.role == "act" or (act is not None and act == event.span)
        return is_act and event.access in _WRITES
    return event.access in _WRITES


def first_divergent_read(
    events: Sequence[Event],
    raced: Callable[[str], bool],
    act: Span | None = None,
) -> Divergence | None:
    """The earliest divergent read of a raced state (by name), None where there is none to see."""
    steps = [event for event in events if event.kind is EventKind.STEP and event.state and raced(event.state)]
    for index, event in enumerate(steps):
        if wrote(event, act):
            continue
        found = _changed(steps, index) or _stale(steps, index, act)
        if found:
            return found
    return None


def _same(first: Event, second: Event) -> bool:
    return first.actor == second.actor and first.state == second.state


def _changed(steps: Sequence[Event], index: int) -> Divergence | None:
    read = steps[index]
    earlier = next((i for i in range(index - 1, -1, -1) if _same(steps[i], read)), None)
    if earlier is None:
        return None
    left, seen = steps[earlier].after, read.before
    if left is not None and seen is not None and left == seen:
        return None
    for other in reversed(steps[earlier + 1 : index]):
        if other.state == read.state and other.actor != read.actor and wrote(other):
            return Divergence(
                read.seq, other.seq, "changed", read.actor, other.actor, seen, left, other.after
            )
    return None


def _stale(steps: Sequence[Event], index: int, act: Span | None) -> Divergence | None:
    read = steps[index]
    later = next((i for i in range(index + 1, len(steps)) if _same(steps[i], read)), None)
    if later is None or not wrote(steps[later], act):
        return None
    for other in steps[index + 1 : later]:
        if other.state == read.state and other.actor != read.actor and wrote(other):
            return Divergence(
                read.seq, other.seq, "stale", read.actor, other.actor, read.after, other=other.after
            )
    return None
