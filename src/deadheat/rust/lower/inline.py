"""A callee's events put into its caller.

Owns substitution: parameters become the arguments' places, guards and dependences, keys named
after parameters become the caller's names for them. This is how helpers are looked through:
a function is lowered once, and each call copies its (small) event graph with its own context.
"""

from tree_sitter import Node

from deadheat.rust.ir import ACCESSES, NOTHING, Deps, Event, Kind, Place, Summary, Value, Where
from deadheat.rust.lower.builder import Lowering

LIMIT = 800  # events of one body; past it a callee is left out and the body marked truncated
_MAX_DEPS = 64


class _Substitution:
    def __init__(self, base: int, arguments: list[Value], keys: list[str], names: tuple[str, ...]) -> None:
        self.base = base
        self.arguments = arguments
        self.keys = {f"[§{index}]": f"[{key}]" for index, key in enumerate(keys)}
        self.names = names
        self.gone: dict[int, Deps] = {}
        self._known: dict[Deps, Deps] = {}

    def argument(self, number: int) -> Value:
        return self.arguments[number] if number < len(self.arguments) else NOTHING

    def place(self, place: Place | None) -> Place | None:
        if place is None:
            return None
        path = tuple(self.keys.get(step, step) for step in place.path) if self.keys else place.path
        if not place.root.startswith("P:"):
            return Place(place.root, path)
        base = self.argument(int(place.root[2:])).place
        return base.then(*path) if base is not None else None

    def guards(self, guards: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for guard in guards:
            if guard >= 0:
                found.append(guard + self.base)
            else:
                found += self.argument(-guard - 1).guards
        return tuple(dict.fromkeys(found))

    def deps(self, deps: Deps) -> Deps:
        known = self._known.get(deps)  # the events of a branch share their control
        if known is None:
            known = self._known[deps] = self._deps(deps)
        return known

    def _deps(self, deps: Deps) -> Deps:
        found: set[tuple[int, str]] = set()
        for event, part in deps:
            if event >= 0 and event not in self.gone:
                found.add((event + self.base, part))
                continue
            inner = self.gone[event] if event >= 0 else self.argument(-event - 1).deps
            found |= {(outer, _join(first, part)) for outer, first in inner}
        if len(found) > _MAX_DEPS:
            found = {(event, "") for event, _ in found}
        return frozenset(found)


def _join(first: str, then: str) -> str:
    if not first or not then:
        return first or then
    return f"{first}.{then}" if first.count(".") < 4 else first


def inline(low: Lowering, node: Node, summary: Summary, arguments: list[Value], keys: list[str]) -> Value:
    """Copy the callee's events to the caller's frontier; what the call evaluates to."""
    if len(low.events) + len(summary.events) > LIMIT:
        low.truncated = True
        return NOTHING
    base, here = len(low.events), low.where(node)
    change = _Substitution(base, arguments, keys, summary.parameters)
    entry = low.frontier
    for event in summary.events:
        low.events.append(_copied(event, change, base, entry, low, here))
    for body in summary.spawned:
        low.spawned.append(substituted(body, arguments, keys, here))
    if entry:
        low.frontier = tuple(base + number for number in summary.exits)
    result = summary.result
    return Value(
        result.type,
        change.place(result.place),
        change.guards(result.guards),
        result.owned,
        change.deps(result.deps),
        _key(result.key, keys),
    )


def _key(key: str | None, keys: list[str]) -> str | None:
    if key is not None and key.startswith("§") and key[1:].isdigit():
        number = int(key[1:])
        return keys[number] if number < len(keys) else None
    return None


def _copied(
    event: Event, change: _Substitution, base: int, entry: tuple[int, ...], low: Lowering, here: Where
) -> Event:
    kind, place = event.kind, change.place(event.place)
    if kind in ACCESSES and place is None:
        # The argument is nothing shared: what the read would have told is what the argument told.
        number = int(event.place.root[2:]) if event.place is not None and event.place.root[:2] == "P:" else -1
        change.gone[event.id] = change.argument(number).deps if number >= 0 else frozenset()
        kind = Kind.NOP
    if kind is Kind.ACQUIRE and place is None:
        kind = Kind.NOP
    if kind is Kind.RETURN:
        kind = Kind.GIVE if event.deps else Kind.NOP
    preds = tuple(base + pred for pred in event.preds) if event.id else entry
    guards = () if kind is Kind.NOP else change.guards(event.guards)
    return Event(
        base + event.id, kind, event.where, event.function, preds, place, event.type, event.operation,
        event.method, event.mode, guards, change.deps(event.deps),
        change.deps(event.control) | low.control, (here, *event.via),
    )  # fmt: skip


def substituted(body: Summary, arguments: list[Value], keys: list[str], here: Where) -> Summary:
    """A body started by a callee, as the caller sees it."""
    change = _Substitution(0, [Value(v.type, v.place, key=v.key) for v in arguments], keys, body.parameters)
    events: list[Event] = []
    for event in body.events:
        place = change.place(event.place)
        kind = Kind.NOP if event.place is not None and place is None else event.kind
        events.append(
            Event(
                event.id,
                kind,
                event.where,
                event.function,
                event.preds,
                place,
                event.type,
                event.operation,
                event.method,
                event.mode,
                change.guards(event.guards),
                change.deps(event.deps),
                change.deps(event.control),
                (here, *event.via),
            )
        )
    return Summary(body.function, events, body.exits, body.result, spawned=body.spawned)
