"""Who holds what and waits for what, in an execution where nobody can go on.

Owns the wait-for graph (Coffman, Elphick and Shoshani 1971; Holt 1972) read off a history, and its words.
It must not know where the history came from. A holder is inferred: every acquisition is a step, so of the
requests that never finished the last one to take a lock still holds it, or the lock would be free.
"""

from collections.abc import Sequence

from msgspec import Struct
from rich.text import Text

from deadheat.model import AccessKind, Event, EventKind, Evidence, History, Span
from deadheat.report.names import Names, letter, letters
from deadheat.report.text import Paper


class Wait(Struct, frozen=True):
    """`actor` waits at `span` for `state`, which `holders` took at `taken`."""

    actor: int
    state: str
    span: Span | None = None
    holders: tuple[int, ...] = ()
    taken: Span | None = None


def waits(history: History) -> tuple[Wait, ...]:
    """Each request that can never go on, and what it waits for."""
    found = []
    for actor in stuck(history):
        blocked = [e for e in history.events if e.actor == actor and e.kind is EventKind.BLOCKED]
        if not blocked or blocked[-1].state is None:
            continue
        holders, taken = _holders(history.events, blocked[-1].state, stuck(history))
        found.append(Wait(actor, blocked[-1].state, blocked[-1].span, holders, taken))
    return tuple(found)


def stuck(history: History) -> tuple[int, ...]:
    """The requests that never finish: as recorded, else those blocked last that never answered."""
    if history.stuck:
        return history.stuck
    last = {event.actor: event for event in history.events}
    return tuple(sorted(actor for actor, event in last.items() if event.kind is EventKind.BLOCKED))


def cycle(found: Sequence[Wait]) -> tuple[int, ...]:
    """The requests of one cycle, each waiting for the next and the last for the first; () if none."""
    edges = {wait.actor: wait.holders for wait in found}
    for start in sorted(edges):
        path: list[int] = [start]
        while True:
            onward = next((holder for holder in edges.get(path[-1], ())), None)
            if onward is None:
                break
            if onward in path:
                return tuple(path[path.index(onward) :])
            path.append(onward)
    return ()


def draw(evidence: Evidence, names: Names, paper: Paper) -> list[Text]:
    """The deadlock in words: a line per request, then the cycle."""
    found = waits(evidence.history)
    if not found:
        return []
    lines = paper.wrap("Who holds what, and waits for what:", indent="  ", style="bold")
    for wait in found:
        held = [
            f"{names.path(other.state)}{_at(other.taken)}" for other in found if wait.actor in other.holders
        ]
        holds = f"holds {' and '.join(dict.fromkeys(held))}, " if held else ""
        line = f"{holds}waits for {names.path(wait.state)}{_at(wait.span)}"
        if not wait.holders:
            line += ", whose holder was not seen"
        lines += paper.wrap(line, indent=" " * 7, first=f"    {letter(wait.actor)}  ")
    ring = cycle(found)
    arrow = paper.glyphs.arrow
    if len(ring) == 1:
        alone = letter(ring[0])
        words = f"{alone} waits for a lock that it holds itself: neither it nor who needs that lock goes on."
    elif ring:
        chain = f" {arrow} ".join(letter(actor) for actor in (*ring, ring[0]))
        words = f"Each waits for the next: {chain}. None can ever go on."
    else:
        words = f"{letters(wait.actor for wait in found)} can never go on."
    return lines + paper.wrap(words, indent="    ")


def _at(span: Span | None) -> str:
    return f" ({span.file}:{span.start_line})" if span else ""


def _holders(
    events: Sequence[Event], state: str, unfinished: Sequence[int]
) -> tuple[tuple[int, ...], Span | None]:
    taken = [
        event
        for event in events
        if event.kind is EventKind.STEP and event.state == state and event.actor in unfinished
    ]
    if not taken:
        return (), None
    last = taken[-1]
    if last.access is not AccessKind.READ:
        return (last.actor,), last.span
    # Shared acquisitions: any of those that took it last may be the one that has not let go.
    shared: list[int] = []
    for event in reversed(taken):
        if event.access is not AccessKind.READ:
            break
        if event.actor not in shared:
            shared.append(event.actor)
    return tuple(sorted(shared)), last.span
