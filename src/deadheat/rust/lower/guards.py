"""What is special about some guards.

Owns the questions about guards of concurrent maps (a look-up that found nothing holds nothing),
guards that nobody keeps, and panics that would poison a lock.
"""

from tree_sitter import Node

from deadheat.rust import outside
from deadheat.rust.ir import Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.outside import note

MAP = "map"  # the mark of a reference into a concurrent map


def is_map_guard(low: Lowering, value: Value) -> bool:
    """Whether the value is a reference into a concurrent map, which keeps a shard locked."""
    return value.owned and any(guard >= 0 and low.events[guard].mark == MAP for guard in value.guards)


def is_maybe(low: Lowering, value: Value) -> bool:
    """Whether it is the answer of a look-up: only when something was found is there a guard."""
    return value.type is not None and value.type.short == "Option" and is_map_guard(low, value)


def nothing_found(low: Lowering, patterns: list[tuple[Node, Value]], node: Node) -> None:
    """Past a look-up that found nothing there is no reference into the map."""
    for _, value in patterns:
        if is_maybe(low, value):
            low.release(value.guards, node)


DROPPED_PERMIT = "permit let go"  # mark of a semaphore's permit that nobody keeps


def dropped(low: Lowering, value: Value, how: str) -> None:
    """A guard that ends where it was made protects nothing."""
    for guard in value.guards:
        if guard >= 0 and low.events[guard].mark in ("", "unwrap"):
            low.events[guard].mark = how
        elif guard >= 0 and low.events[guard].mark == "permit":
            low.events[guard].mark = DROPPED_PERMIT


def may_panic(low: Lowering, node: Node, what: str) -> None:
    """A panic is possible here: noted when a lock is held that it would poison."""
    live = [guard for pending in low.temporaries for guard in pending]
    for scope in low.scopes:
        for binding in scope.values():
            live += binding.owned
    if any(guard >= 0 and low.events[guard].mark == "unwrap" for guard in live):
        note(low, node, outside.PANIC, what)


def unwraps(low: Lowering, node: Node, value: Value) -> None:
    """`unwrap()`: of a lock's result it hands poison on; of anything else under a lock it makes some."""
    if value.owned and value.type is not None and value.type.short == "LockResult":
        for guard in value.guards:
            if guard >= 0 and not low.events[guard].mark:
                low.events[guard].mark = "unwrap"
        return
    may_panic(low, node, "unwrap")
