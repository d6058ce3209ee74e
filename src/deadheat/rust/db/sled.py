"""sled: an embedded map from bytes to bytes.

Owns the methods of its `Db` and `Tree`: each is one step, and a look-up followed by an `insert` is two.
`compare_and_swap`, `fetch_and_update` and `update_and_fetch` are what to do it with instead.
"""

from tree_sitter import Node

from deadheat.rust.db.access import arguments, execute
from deadheat.rust.db.query import CACHE, Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import key_of, value_of
from deadheat.rust.types import Type, peel

_READS = {"get": "", "contains_key": "exists", "get_lt": "", "get_gt": ""}
_WRITES = {"insert": Op.UPDATE, "remove": Op.DELETE, "merge": Op.UPDATE}
_ATOMIC = frozenset({"compare_and_swap", "fetch_and_update", "update_and_fetch"})
NAMES = set(_READS) | set(_WRITES) | _ATOMIC


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """`tree.insert(key, value)`."""
    declared = peel(receiver.type)
    if name not in NAMES or declared is None or not declared.name.startswith("sled::"):
        return None
    if declared.short == "Tree" and receiver.place is not None:
        return None  # it has a name, and two trees are two maps: `lower.stores` tells them apart
    listed = arguments(node)
    if declared.short not in ("Db", "Tree") or not listed:
        return None
    chosen = value_of(low, listed[0])
    deps: Deps = NO_DEPS
    for one in listed[1:]:
        deps |= value_of(low, one).deps
    where = (Condition("key", "=", key_of(listed[0], chosen)),)
    if name in _READS:
        query = Query(Op.SELECT, "sled", CACHE, where=where, aggregate=_READS[name])
        result = Type("Result", (Type("Option", (Type("sled::IVec"),)),))
    else:
        atomic = name in _ATOMIC
        query = Query(
            _WRITES.get(name, Op.UPDATE), "sled", CACHE, where=where, columns=("value",),
            relative=("value",) if atomic else (), conflict="nothing" if atomic else "",
        )  # fmt: skip
        result = Type("Result", (Type("Option", (Type("sled::IVec"),)),))
    return execute(low, node, query, deps, chosen.deps, [receiver], result, f"sled {name}")
