"""Calls on an embedded key-value store: sled, RocksDB, or a trait of ours that hides one.

Owns which entry a call is about and what its result tells. Every call is one short critical section
of its own, as with a sharded map; but what is stored outlives the process, and `insert(…)?` only says
that the store did not fail, where a map's `insert` says whether the key was there.
"""

from tree_sitter import Node

from deadheat.rust import known
from deadheat.rust.ir import NO_DEPS, THROUGH, Kind, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import evaluate, gather, key_of
from deadheat.rust.types import Type

_EFFECTS = {"read": Kind.READ, "write": Kind.WRITE, "rmw": Kind.RMW}
_WHOLE = ("iter", "scan", "range", "prefix", "len", "is_empty", "clear", "batch", "apply", "watch", "flush",
          "first", "last", "count", "multi", "keys", "values", "drop", "write")  # fmt: skip
_OTHER = ("watch", "flush", "open", "transaction", "snapshot", "clone", "cf_handle", "name", "subscribe",
          "generate_id", "size_on_disk", "memory", "cleanup", "compact", "backup", "begin")  # fmt: skip
_TELLING = ("compare_and_swap", "compare_exchange", "fetch_and_update", "update_and_fetch", "increment",
            "insert_if", "pop", "remove", "take")  # fmt: skip


def _key(low: Lowering, node: Node, value: Value) -> tuple[str, ...]:
    """One step for each parameter that the key is made of, since keys are put together from bytes.

    `[*]` at the end stands for what else went in; a key made of nothing that came from the caller
    is a name of this function alone.
    """
    if value.key is not None and (value.key.startswith("§") or not value.deps):
        return (f"[{value.key}]",)
    given: set[int] = set()
    more = False
    for event, _ in value.deps:
        place = low.events[event].place if event >= 0 else None
        if event < 0:
            given.add(-event - 1)
        elif place is not None and place.root.startswith("P:"):
            given.add(int(place.root[2:]))
        else:
            more = True
    if not given:
        return (f"[{key_of(node, value)}@{low.function.name}]",)
    return (*(f"[§{number}]" for number in sorted(given)), *(("[*]",) if more else ()))


def call_store(low: Lowering, node: Node, receiver: Value, declared: Type, method: str) -> Value:
    """`store.method(…)`."""
    listed = node.child_by_field_name("arguments")
    arguments = [child for child in listed.named_children if "comment" not in child.type] if listed else []
    values: list[Value] = []
    for one in arguments:
        if one.type == "closure_expression":
            values.append(run_closure(low, one, ()))
        else:
            values.append(low.use(evaluate(low, one), one))
    deps = gather(tuple(values), None).deps
    place = receiver.place
    if place is None or method.startswith(_OTHER):
        return Value(deps=deps | receiver.deps)
    effect = known.effect(method)
    place = place.then(THROUGH)
    position = 1 if method.endswith("_cf") else 0
    keyed = len(arguments) > position and not any(word in method for word in _WHOLE)
    if keyed:
        place = place.then(*_key(low, arguments[position], values[position]))
        deps = gather(tuple(values[position + 1 :]), None).deps
    kind = _EFFECTS[effect]
    if kind is Kind.RMW and not method.startswith(_TELLING):
        kind = Kind.WRITE  # the store takes what it is given, whatever was there
    event = low.emit(
        kind,
        node,
        place=place,
        type=declared,
        operation=f"{declared.short}::{method}",
        method=method,
        deps=deps,
    )
    low.events[event].guards = (event,)
    if kind is Kind.WRITE:
        return Value()
    inner = values[position].deps if keyed and kind is Kind.READ else NO_DEPS
    suffix = "" if method in known.EXISTENCE or method.startswith("get") else f"{method}()"
    return Value(deps=frozenset({(event, suffix)}) | inner)
