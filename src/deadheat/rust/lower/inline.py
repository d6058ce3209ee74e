"""A callee's events put into its caller.

Owns substitution: parameters become the arguments' places, guards and dependences, keys named
after parameters become the caller's names for them. This is how helpers are looked through:
a function is lowered once, and each call copies its (small) event graph with its own context.

Only what somebody can ask about is copied; the rest is bridged, its predecessors handed to its
successors. Left behind are accesses to arguments that nobody shares, branches that look at no
write's result (what they decide stays in the `control` of the events behind them) and the answer
of a helper that changes nothing itself.
"""

from collections.abc import Callable

from tree_sitter import Node

from deadheat.rust.db.query import Query
from deadheat.rust.ir import (
    ACCESSES,
    CALLBACK,
    NO_DEPS,
    NOTHING,
    RETRY,
    WRAPPED,
    Deps,
    Event,
    Kind,
    Place,
    Summary,
    Value,
    Where,
)
from deadheat.rust.lower.builder import Lowering

LIMIT = 800  # events of one body; past it a callee is left out and the body marked truncated
_MAX_DEPS = 64
_MAX_JOIN = 16  # of so many sources it is not known which part came from where
# What decided whether a helper waits, branches or releases is asked by nobody.
_CONTROLLED = ACCESSES | {
    Kind.ACQUIRE, Kind.RETURN, Kind.GIVE, Kind.CALL, Kind.SEND, Kind.SPAWN, Kind.BEGIN
}  # fmt: skip
_LOOKED_AT = frozenset({Kind.WRITE, Kind.RMW, Kind.SEND, Kind.BEGIN})  # what can say that it failed
_MAX_BRIDGE = 6  # a node with more predecessors is cheaper than the edges that would replace it


class _Substitution:
    """From the names of a callee to those of its caller; `number` maps event ids."""

    def __init__(self, arguments: list[Value], keys: list[str], number: dict[int, int]) -> None:
        self.arguments = arguments
        self.keys = {f"[§{index}]": f"[{key}]" for index, key in enumerate(keys)}
        self.plain = {f"§{index}": key for index, key in enumerate(keys)}
        self.number = number
        self.gone: dict[int, Deps] = {}
        self._known: dict[Deps, Deps] = {NO_DEPS: NO_DEPS}
        self._recent: list[tuple[Deps, set[tuple[int, str]]]] = []
        self._one: dict[tuple[int, str], Deps] = {}

    def argument(self, number: int) -> Value:
        return self.arguments[number] if number < len(self.arguments) else NOTHING

    def place(self, place: Place | None) -> Place | None:
        if place is None:
            return None
        path, keys = place.path, self.keys
        for step in path:
            if step in keys:
                path = tuple([keys.get(step, step) for step in path])
                break
        if place.root.startswith("D:§"):  # a key of a cache is its own table
            table = self.plain.get(place.root[2:], place.root[2:])
            return Place("D:" + table.strip('"'), path)
        if not place.root.startswith("P:"):
            return place if path is place.path else Place(place.root, path)
        base = self.argument(int(place.root[2:])).place
        return Place(base.root, base.path + path) if base is not None else None

    def guards(self, guards: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for guard in guards:
            if guard < 0:
                found += self.argument(-guard - 1).guards
            elif guard in self.number:  # else an acquisition of something that nobody shares
                found.append(self.number[guard])
        return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)

    def query(self, query: Query | None) -> Query | None:
        return query.renamed(self.plain) if query is not None else None

    def told(self, place: Place) -> Deps:
        """What reading a parameter's place tells, when the argument is nothing shared."""
        inner, fields = self.argument(int(place.root[2:])).deps, ".".join(place.path)
        if not fields or any(mark in fields for mark in "·[("):
            return inner
        return frozenset([(outer, _join(part, fields)) for outer, part in inner])

    def deps(self, deps: Deps) -> Deps:
        known = self._known.get(deps)  # the events of a branch share their control
        if known is None:
            known = self._known[deps] = self._deps(deps)
        return known

    def _deps(self, deps: Deps) -> Deps:
        # What decides grows from branch to branch: only what is new needs a look.
        found: set[tuple[int, str]] = set()
        rest: Deps = deps
        if len(deps) > 8:
            for before, mapped in self._recent:
                if before < deps:
                    found, rest = set(mapped), deps - before
                    break
        for dep in rest:
            event, part = dep
            inner = self.gone.get(event) if event >= 0 else self.argument(-event - 1).deps
            if inner is None:
                if event in self.number:
                    found.add((self.number[event], part))
            elif part and len(inner) <= _MAX_JOIN:
                joined = self._one.get(dep)
                if joined is None:
                    joined = self._one[dep] = frozenset(
                        [(outer, _join(first, part)) for outer, first in inner]
                    )
                found |= joined
            else:
                found |= inner
        if len(deps) > 8:
            self._recent.insert(0, (deps, found))
            del self._recent[3:]
        if len(found) > _MAX_DEPS:
            found = _coarse(found)
        return frozenset(found)


def _coarse(deps: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Fewer parts, one for each event; that only its existence is known stays known."""
    sure = {event for event, part in deps if "?" not in part}
    return {(event, "" if event in sure else "?") for event, _ in deps}


def _join(first: str, then: str) -> str:
    if not first:
        return then
    if first.endswith(WRAPPED):
        field, _, rest = then.partition(".")
        then = rest if field.isidentifier() or field.isdigit() else then
        first = first.removesuffix(WRAPPED).rstrip(".")
        return f"{first}.{then}".strip(".")
    return f"{first}.{then}" if first.count(".") < 4 else first


Callback = Callable[[int, Value], Value | None]


def inline(
    low: Lowering,
    node: Node,
    summary: Summary,
    arguments: list[Value],
    keys: list[str],
    callback: Callback | None = None,
) -> Value:
    """Copy the callee's events to the caller's frontier; what the call evaluates to.

    `callback(index, item)` runs the closure given as that parameter on `item`, where the callee
    does; it is None when no closure was given.
    """
    return _copy(low, summary, arguments, keys, low.where(node), callback)


def enter(low: Lowering, summary: Summary, arguments: list[Value], keys: list[str]) -> None:
    """Copy a whole body as the one that runs: it is not called, its answer is the answer."""
    _copy(low, summary, arguments, keys, None)


def _copy(  # noqa: C901 - one loop: it runs for every event of every call
    low: Lowering,
    summary: Summary,
    arguments: list[Value],
    keys: list[str],
    here: Where | None,
    callback: Callback | None = None,
) -> Value:
    """`here` is the call; None for the body itself, of which every event is kept."""
    events = low.events
    if here is not None and len(events) + len(summary.events) > LIMIT:
        low.truncated = True
        return NOTHING
    low.inlined |= summary.inlined | {summary.function}
    number: dict[int, int] = {}
    change = _Substitution(arguments, keys, number)
    entry, outer = low.frontier, low.control
    mark = "offloaded" if low.offloaded else ""
    bridged: dict[int, tuple[int, ...]] = {}
    back: list[tuple[Event, tuple[int, ...]]] = []
    vias: dict[int, tuple[Where, ...]] = {}
    controls: dict[Deps, Deps] = {}
    deciding: dict[Deps, bool] = {NO_DEPS: False}

    def ahead(preds: tuple[int, ...]) -> tuple[int, ...]:
        if len(preds) == 1:
            only = preds[0]
            return bridged[only] if only in bridged else (number[only],)
        found: list[int] = []
        for pred in preds:
            found += bridged[pred] if pred in bridged else (number[pred],)
        return tuple(dict.fromkeys(found))

    for event in summary.events:
        kind, place = event.kind, event.place
        if place is not None:
            original, place = place, change.place(place)
            if place is None or (kind in ACCESSES and _is_fixed(low, original, place)):
                # The argument is nothing shared: what the read would have told is what it told.
                change.gone[event.id] = change.told(original)
                place, kind = None, Kind.NOP
        deps = change.deps(event.deps) if event.deps else NO_DEPS
        if here is not None:
            if kind is Kind.RETURN:
                kind = Kind.GIVE if deps and summary.changes else Kind.NOP
            elif kind is Kind.BRANCH:
                decides = deciding.get(deps)
                if decides is None:
                    decides = deciding[deps] = any(n < 0 or events[n].kind in _LOOKED_AT for n, _ in deps)
                if not decides:
                    kind = Kind.NOP
        if kind is Kind.RELEASE and not change.guards(event.guards):
            kind = Kind.NOP
        if callback is not None and place is not None and event.mark.startswith(CALLBACK) and not event.via:
            low.frontier, low.control = ahead(event.preds), change.deps(event.control) | outer
            item = Value(event.type, place, change.guards(event.guards))
            produced = callback(int(event.mark.removeprefix(CALLBACK)), item)
            reached, low.frontier, low.control = low.frontier, entry, outer
            if produced is not None:
                bridged[event.id], change.gone[event.id] = reached, produced.deps
                continue
        preds = event.preds
        loops = kind is Kind.LOOP or (len(preds) > 1 and max(preds) >= event.id)
        before = entry if not event.id else () if loops else ahead(preds)
        if kind is Kind.NOP and event.mark != RETRY and not loops and len(before) <= _MAX_BRIDGE:
            bridged[event.id] = before
            continue
        made = number[event.id] = len(events)
        guards = change.guards(event.guards) if event.guards and kind is not Kind.NOP else ()
        if event.query is not None and low.transactions:
            guards = tuple(dict.fromkeys((*guards, *low.transactions)))
        control = NO_DEPS
        if here is None or kind in _CONTROLLED:
            found = controls.get(event.control)
            if found is None:
                found = controls[event.control] = change.deps(event.control) | outer
            control = found
        if here is None:
            via = event.via
        else:
            known = vias.get(id(event.via))
            via = known if known is not None else vias.setdefault(id(event.via), (here, *event.via))
        copied = Event(
            made, kind, event.where, event.function, before, place, event.type, event.operation,
            event.method, event.mode, guards, deps, control, via, event.mark or mark,
            change.query(event.query) if event.query is not None else None,
            change.deps(event.selects) if event.selects else NO_DEPS,
        )  # fmt: skip
        events.append(copied)
        if loops:
            back.append((copied, preds))
    for copied, preds in back:
        copied.preds = ahead(preds)
    for body in summary.spawned:
        low.spawned.append(substituted(body, arguments, keys, here))
    if entry:
        low.frontier = ahead(summary.exits)
    return _given(summary.result, change, keys)


def _given(value: Value, change: _Substitution, keys: list[str]) -> Value:
    """What the callee hands back, as its caller sees it; of a tuple each element."""
    return Value(
        value.type,
        change.place(value.place),
        change.guards(value.guards),
        value.owned,
        change.deps(value.deps),
        _key(value.key, keys),
        tuple(_given(part, change, keys) for part in value.parts),
        change.query(value.query) if value.query is not None and value.query.is_collection else None,
    )


def _is_fixed(low: Lowering, original: Place | None, place: Place | None) -> bool:
    """Whether a parameter's place turns out to be a static that never changes."""
    if original is None or place is None or place.root[:2] != "G:" or original.root[:2] != "P:":
        return False
    static = low.types.statics.get(place.root[2:])
    return not place.is_content and not (static is not None and (static.mutable or static.thread_local))


def _key(key: str | None, keys: list[str]) -> str | None:
    if key is not None and key.startswith("§") and key[1:].isdigit():
        number = int(key[1:])
        return keys[number] if number < len(keys) else None
    return None


def substituted(body: Summary, arguments: list[Value], keys: list[str], here: Where | None) -> Summary:
    """A body started by a callee, as the caller sees it."""
    number = {event.id: event.id for event in body.events}
    change = _Substitution([Value(v.type, v.place, key=v.key) for v in arguments], keys, number)
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
                event.via if here is None else (here, *event.via),
                event.mark,
                change.query(event.query),
                change.deps(event.selects),
            )
        )
    spawned = tuple(substituted(inner, arguments, keys, here) for inner in body.spawned)
    return Summary(body.function, events, body.exits, body.result, spawned=spawned,
                   truncated=body.truncated, start=body.start)  # fmt: skip
