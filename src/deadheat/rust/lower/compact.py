"""A body without the events that nobody asks about.

Owns the shortening of event graphs before they are copied into callers: joins, releases of
nothing, branches that depend on nothing. Each dropped event's predecessors are handed to its
successors; ids are renumbered and stay in program order. A loop's head stays, because back edges
lead to it.
"""

from deadheat.rust.ir import RETRY, Deps, Event, Kind, Value

_NEVER = frozenset(
    {Kind.ACQUIRE, Kind.READ, Kind.WRITE, Kind.RMW, Kind.RETURN, Kind.GIVE, Kind.LOOP, Kind.SPAWN,
     Kind.CALL, Kind.SEND, Kind.BEGIN}
)  # fmt: skip


def compact(
    events: list[Event], exits: tuple[int, ...], result: Value
) -> tuple[list[Event], tuple[int, ...], Value]:
    """The same graph with fewer nodes."""
    through: dict[int, tuple[int, ...]] = {}
    number: dict[int, int] = {}
    kept: list[Event] = []
    for event in events:
        if event.id and _is_idle(event) and all(pred < event.id for pred in event.preds):
            through[event.id] = _resolve(event.preds, through)
        else:
            number[event.id] = len(kept)
            kept.append(event)
    if len(kept) == len(events):
        return events, exits, result
    cache: dict[Deps, Deps] = {}

    def deps(old: Deps) -> Deps:
        new = cache.get(old)
        if new is None:
            new = cache[old] = frozenset((number.get(e, e) if e >= 0 else e, part) for e, part in old)
        return new

    def guards(old: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(number.get(g, g) if g >= 0 else g for g in old)

    for event in kept:
        event.preds = tuple(number[pred] for pred in _resolve(event.preds, through))
        event.guards = guards(event.guards)
        event.deps, event.control = deps(event.deps), deps(event.control)
        event.selects = deps(event.selects)
        event.id = number[event.id]
    leaving = tuple(number[one] for one in _resolve(exits, through))

    def told(old: Value) -> Value:
        parts = tuple(told(part) for part in old.parts) if old.query is None else ()
        return Value(old.type, old.place, guards(old.guards), old.owned, deps(old.deps), old.key, parts)

    value = told(result)
    return kept, leaving, value


def _is_idle(event: Event) -> bool:
    if event.kind in _NEVER:
        return False
    if event.kind is Kind.NOP:
        return event.mark != RETRY
    if event.kind is Kind.RELEASE:
        return not event.guards
    return event.kind is Kind.BRANCH and not event.deps


def _resolve(preds: tuple[int, ...], through: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    found: list[int] = []
    for pred in preds:
        for one in through.get(pred, (pred,)):
            if one not in found:
                found.append(one)
    return tuple(found)
