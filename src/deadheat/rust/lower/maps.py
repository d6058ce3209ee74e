"""Concurrent maps: every call is one short critical section, and references make it a long one.

Owns what `DashMap` and its kin do: the access, and the shard's lock that `get`, `iter` and
`entry` keep for as long as what they gave back lives.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known
from deadheat.rust.ir import THROUGH, Kind, Mode, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import gather, key_of
from deadheat.rust.lower.guards import MAP
from deadheat.rust.lower.results import method_result
from deadheat.rust.lower.sites import note_site
from deadheat.rust.types import Type

_EFFECTS = {"read": Kind.READ, "write": Kind.WRITE, "rmw": Kind.RMW}
_ACCESS = {"read": AccessKind.READ, "write": AccessKind.WRITE, "rmw": AccessKind.WRITE}
# What holds a shard's lock after the call: a reference, an iterator, an entry.
_EXCLUSIVE = frozenset({"get_mut", "iter_mut", "entry", "try_get_mut", "try_entry"})
# `get_with` and its like put in what is not there.
_FILLS = ("get_with", "try_get_with", "optionally_get_with", "get_or_insert", "get_value_or_guard")
_REFERENCES = frozenset({"get", "get_mut", "iter", "iter_mut", "entry", "try_get", "try_get_mut"})


def concurrent(
    low: Lowering,
    node: Node,
    receiver: Value,
    declared: Type | None,
    method: str,
    arguments: list[Node],
    values: list[Value],
) -> Value:
    """A sharded map: every call is one short critical section of its own."""
    place = receiver.place
    if place is None or method in ("clone",):
        return receiver
    suffix = "" if method in known.EXISTENCE or method in known.IDENTITY else f"{method}()"
    effect = known.effect(method)
    content = place.then(THROUGH)
    if method in known.KEYED and arguments:
        content = content.then(f"[{key_of(arguments[0], values[0])}]")
    operation = f"{declared.short if declared is not None else 'DashMap'}::{method}"
    access = AccessKind.WRITE if method in _EXCLUSIVE or method.startswith(_FILLS) else _ACCESS[effect]
    sharded = SiteKind.MAP_SHARED if access is AccessKind.READ else SiteKind.MAP
    kind = sharded if operation.startswith("DashMap::") else SiteKind.CALL
    note_site(low, node, kind, operation, access, place)
    held: tuple[int, ...] = ()
    if method in _REFERENCES and operation.startswith("Dash"):
        # What is found stays locked (with its whole shard) as long as the reference lives.
        mode = Mode.SHARED if method in ("get", "iter", "try_get") else Mode.EXCLUSIVE
        held = low.acquire(node, place, declared, mode, operation).guards
        low.events[held[0]].mark = MAP
    event = low.emit(
        _EFFECTS[effect], node, place=content, type=declared, operation=operation, method=method,
        # Which entry is removed or changed is no value that is written.
        deps=gather(tuple(values[method in known.KEYED and "insert" not in method :]), None).deps,
    )  # fmt: skip
    low.events[event].guards = held or (event,)
    if method in known.KEYED and values:
        low.events[event].selects = values[0].deps
    found = frozenset({(event, suffix)})
    if method in known.BORROWING:
        return Value(method_result(declared, method), content, held or (event,), owned=bool(held), deps=found)
    return Value(method_result(declared, method), deps=found)
