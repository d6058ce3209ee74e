"""Atomics and swap cells: one event a call.

Owns the recognition of such a call and whether it orders anything else. It must not know locks.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known
from deadheat.rust.ir import NO_DEPS, NOTHING, RELAXED, RETRY, THROUGH, Deps, Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import outer_effect, run_closure
from deadheat.rust.lower.expressions import value_of
from deadheat.rust.lower.sites import note_site
from deadheat.rust.types import Type, argument, is_atomic, is_concurrent_cell, is_watched, peel


def is_atomic_call(declared: Type | None, arguments: list[Node]) -> bool:
    """Whether a method is an atomic's: by the receiver's type, or by an `Ordering` where that is unknown."""
    if is_atomic(declared) or is_concurrent_cell(declared):
        return True
    if declared is not None:
        return False
    return any(b"Ordering::" in (one.text or b"") or (one.text or b"") in _ORDERINGS for one in arguments)


_ORDERINGS = frozenset({b"SeqCst", b"Relaxed", b"Acquire", b"Release", b"AcqRel"})


def watched(low: Lowering, receiver: Value, method: str) -> Value:
    """The sending half that lies beside a watch channel's receiving half: both are the one value."""
    if method not in _LOOKS:
        return receiver
    place, declared = receiver.place, peel(receiver.type)
    if place is None or not place.path or declared is None:
        return receiver
    if not declared.name.endswith("watch::Receiver"):
        return receiver
    fields = low.types.fields(_owner(low, place))
    halves = [
        name for name, other in fields.items()
        if is_watched(peel(other)) and argument(peel(other)) == argument(declared)
    ]  # fmt: skip
    if len(halves) != 1:
        return receiver
    beside = Place(place.root, (*place.path[:-1], halves[0]))
    return Value(peel(fields[halves[0]]), beside, receiver.guards, deps=receiver.deps)


_LOOKS = frozenset({"borrow", "borrow_and_update"})


def _owner(low: Lowering, place: Place) -> Type | None:
    """The struct whose field the place is."""
    kind, name = place.root[:2], place.root[2:]
    if kind == "P:":
        number = int(name)
        declared = peel(low.parameter_types[number]) if number < len(low.parameter_types) else None
    else:
        declared = Type(name.rsplit("<", 1)[-1].rstrip(">"))
    for step in place.path[:-1]:
        declared = peel(low.types.field(declared, step))
    return declared


def atomic(
    low: Lowering, node: Node, receiver: Value, declared: Type | None, method: str, arguments: list[Node]
) -> Value:
    """A load, a store or an update in one step."""
    deps: Deps = NO_DEPS
    for one in arguments:
        if one.type == "closure_expression":
            if method in known.RETRIED:
                low.emit(Kind.NOP, one, operation=outer_effect(one), mark=RETRY)
            deps |= run_closure(low, one, (NOTHING,)).deps
        else:
            deps |= value_of(low, one).deps
    place = receiver.place
    if place is None or place.root.startswith("L:"):
        return Value(deps=deps | receiver.deps)
    kind = (
        Kind.READ
        if method in known.ATOMIC_READS
        else Kind.WRITE
        if method in known.ATOMIC_WRITES
        else Kind.RMW
    )
    operation = f"{declared.short if declared is not None else 'Atomic'}::{method}"
    opaque = is_concurrent_cell(declared) and not is_watched(declared)
    note_site(
        low, node, SiteKind.CALL if opaque else SiteKind.ATOMIC, operation,
        AccessKind.READ if kind is Kind.READ else AccessKind.WRITE, place,
    )  # fmt: skip
    event = low.emit(
        kind, node, place=place.then(THROUGH), type=declared, operation=operation, method=method, deps=deps,
        mark=RELAXED if _is_relaxed(arguments) else "",
    )  # fmt: skip
    low.events[event].guards = (event,)
    if kind is Kind.WRITE:
        return NOTHING
    # An update's result is the value from before: what was written does not flow out of it.
    return Value(argument(declared), deps=frozenset({(event, "")}))


def _is_relaxed(arguments: list[Node]) -> bool:
    orders = [one.text or b"" for one in arguments if (one.text or b"").split(b"::")[-1] in _ORDERINGS]
    return bool(orders) and orders[0].endswith(b"Relaxed")
