"""Values that change through a shared reference without being a lock, an atomic or a map.

Owns the three families and what their methods do: cells that are set once (`OnceLock`), cells
that nothing synchronises (`UnsafeCell`, `Cell`, `RefCell`, shared only where somebody wrote
`unsafe impl Sync`), and thread-local values. A cell's content stands behind `∘·` in the path, so
that no rule about locks takes it for locked.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust.ir import NO_DEPS, THROUGH, UNSYNCHRONISED, Deps, Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import value_of
from deadheat.rust.lower.sites import note_site
from deadheat.rust.syntax import text_of
from deadheat.rust.types import Type, argument, peel

ONCE = frozenset({"OnceLock", "OnceCell"})
UNSAFE_CELLS = frozenset({"UnsafeCell", "SyncUnsafeCell", "Cell", "RefCell"})
_ONCE_METHODS = frozenset({"get", "set", "initialized"})
_READS = frozenset({"get", "borrow", "try_borrow", "with_borrow"})
_SEEN = ("std::", "tokio::", "rocket::tokio::")
_HANDS_OUT = frozenset({"borrow", "borrow_mut", "try_borrow", "try_borrow_mut", "get_mut", "as_ptr"})


def cell(low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]) -> Value | None:
    """What a cell's method does; None when the receiver is no cell that could be shared."""
    place = receiver.place
    if place is None or place.root.startswith("L:"):
        return None
    if receiver.type is not None and receiver.type.short in ONCE and method in _ONCE_METHODS:
        return _once(low, node, receiver, place, method, arguments)
    if is_thread_local(low, place):
        return _thread_local(low, node, receiver, place, method, arguments)
    declared = peel(receiver.type)
    if declared is None or declared.short not in UNSAFE_CELLS or place.is_content:
        return None
    content = Value(argument(declared), place.then(UNSYNCHRONISED, THROUGH), deps=receiver.deps)
    if declared.short.endswith("UnsafeCell"):
        return content if method in ("get", "get_mut", "raw_get") else None
    if method in _HANDS_OUT:
        return content
    return _direct(low, node, content, declared, method, arguments)


def is_thread_local(low: Lowering, place: Place) -> bool:
    """Whether the place is a `thread_local!` static."""
    static = low.types.statics.get(place.root[2:]) if place.root.startswith("G:") else None
    return static is not None and static.thread_local


def _once(
    low: Lowering, node: Node, receiver: Value, place: Place, method: str, arguments: list[Node]
) -> Value | None:
    inner = argument(receiver.type)
    if low.types.holds_locks(inner):
        # What the cell holds has locks of its own, and whoever lost the `set` uses the winner's.
        return Value(Type("Option", (inner,)), place, deps=receiver.deps) if method == "get" else None
    deps: Deps = NO_DEPS
    for one in arguments:
        deps |= value_of(low, one).deps
    operation = f"{receiver.type.short if receiver.type is not None else 'OnceLock'}::{method}"
    effect = AccessKind.WRITE if method == "set" else AccessKind.READ
    # Each call is one atomic step; only std's and tokio's cells can be looked into.
    ours = receiver.type is not None and receiver.type.name.startswith(_SEEN)
    note_site(low, node, SiteKind.ATOMIC if ours else SiteKind.CALL, operation, effect, place)
    event = low.emit(
        Kind.RMW if method == "set" else Kind.READ, node, place=place.then(THROUGH), type=receiver.type,
        operation=operation,
        method=method, deps=deps, mark="once-asked" if method == "set" and _is_asked(node) else "once",
    )  # fmt: skip
    low.events[event].guards = (event,)
    results = {"get": Type("Option", (inner,)), "set": Type("Result", (None,))}
    return Value(results.get(method), deps=frozenset({(event, "")}))


def _is_asked(node: Node) -> bool:
    """Whether somebody looks at what `set` says; `let _ =` and `.ok()` do not."""
    parent = node.parent
    if parent is None or parent.type != "field_expression":
        return parent is not None and parent.type in ("try_expression", "match_expression", "let_condition")
    return text_of(parent.child_by_field_name("field") or parent) not in (
        "ok",
        "unwrap_or",
        "unwrap_or_default",
    )


def _thread_local(
    low: Lowering, node: Node, receiver: Value, place: Place, method: str, arguments: list[Node]
) -> Value | None:
    declared = peel(receiver.type)
    inner = argument(declared) if declared is not None and declared.short in UNSAFE_CELLS else declared
    if method in ("with", "try_with", "with_borrow", "with_borrow_mut"):
        given = Value(receiver.type if method in ("with", "try_with") else inner, place)
        result = Value()
        for one in arguments:
            if one.type == "closure_expression":
                result = run_closure(low, one, (given,))
        return low.use(result, node) if result.place is not None else result
    if declared is None or declared.short not in UNSAFE_CELLS:
        return None
    if method in _HANDS_OUT:
        return Value(inner, place, deps=receiver.deps)
    return _direct(low, node, Value(inner, place, deps=receiver.deps), declared, method, arguments)


def _direct(
    low: Lowering, node: Node, content: Value, declared: Type, method: str, arguments: list[Node]
) -> Value | None:
    if method not in ("get", "set", "take", "replace", "swap", "update"):
        return None
    deps: Deps = NO_DEPS
    for one in arguments:
        deps |= value_of(low, one).deps
    kind = Kind.READ if method in _READS else Kind.WRITE if method == "set" else Kind.RMW
    event = low.emit(
        kind, node, place=content.place, type=content.type, operation=f"{declared.short}::{method}",
        method=method, deps=deps,
    )  # fmt: skip
    return Value(content.type if method != "set" else None, deps=content.deps | {(event, "")})
