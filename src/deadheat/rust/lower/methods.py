"""What a method call does: acquire, load, store, look up, change, or run one of ours.

Owns the recognition of acquisitions (std, tokio, parking_lot by the receiver's type; by usage
where the type is unknown), atomics (an `Ordering` argument is required where the type is unknown,
because `load` is also what database libraries call a query), concurrent maps and swap cells, and
calls on content behind a guard.
"""

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known
from deadheat.rust.db import dispatch as database
from deadheat.rust.ir import ASSUMED, NO_DEPS, NOTHING, Deps, Kind, Mode, Value
from deadheat.rust.items import Function
from deadheat.rust.lower.atomics import atomic, is_atomic_call, watched
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.cells import cell
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import dereferenced, evaluate, gather, key_of, value_of
from deadheat.rust.lower.files import SAME_PATH, file_method, passed_on
from deadheat.rust.lower.guards import is_map_guard, is_maybe, unwraps
from deadheat.rust.lower.managed import managed
from deadheat.rust.lower.maps import concurrent
from deadheat.rust.lower.outside import is_sender, outside_method, permit, send
from deadheat.rust.lower.results import element_type, method_result
from deadheat.rust.lower.signals import UNCLONED, signal
from deadheat.rust.lower.sites import note_site
from deadheat.rust.lower.spawn import spawn
from deadheat.rust.lower.stores import call_store
from deadheat.rust.lower.values import is_clone, mapped, merge_values
from deadheat.rust.syntax import significant, text_of
from deadheat.rust.types import (
    Type,
    argument,
    is_async_lock,
    is_concurrent_map,
    is_lock,
    is_store,
    is_synchronised,
    peel,
)

_EFFECTS = {"read": Kind.READ, "write": Kind.WRITE, "rmw": Kind.RMW}
_ACCESS = {"read": AccessKind.READ, "write": AccessKind.WRITE, "rmw": AccessKind.WRITE}


def call_method(low: Lowering, node: Node, receiver: Value, method: str) -> Value:
    """`receiver.method(…)`."""
    arguments = _arguments(node)
    receiver = dereferenced(low, receiver, lambda one: one is None or (one.name, method) in low.types.methods)
    queried = database.method(low, node, receiver, method)
    if queried is not None:
        return queried
    receiver = watched(low, receiver, method)
    declared = peel(receiver.type)
    if method in known.ACQUIRE:
        guard = _acquire(low, node, receiver, declared, method, len(arguments))
        if guard is not None:
            return guard
    if method in known.ATOMIC and is_atomic_call(declared, arguments):
        return atomic(low, node, receiver, declared, method, arguments)
    if is_concurrent_map(declared) and receiver.place is not None:
        return concurrent(low, node, receiver, declared, method, arguments, _values(low, arguments))
    if declared is not None and is_store(declared):
        return call_store(low, node, receiver, declared, method)
    state = managed(low, node, method)
    if state is not None:
        return state
    held = cell(low, node, receiver, method, arguments)
    if held is not None:
        return held
    # A method whose receiver is unknown is not guessed: names repeat, and a wrong guess misleads.
    own = low.types.method(receiver.type, method)
    if own is not None:
        return _call_own(low, node, receiver, own, arguments)
    if (
        method in known.SPAWN_FUTURE
        and arguments
        and arguments[0].type in ("async_block", "closure_expression")
    ):
        return spawn(low, node, method, "", arguments)
    beyond = _beyond(low, node, receiver, method, arguments)
    if beyond is not None:
        return beyond
    if method in known.IDENTITY:
        if method in ("unwrap", "expect"):
            unwraps(low, node, receiver)
        return _identity(low, receiver, method, arguments)
    shared = method == "clone" and declared is not None and declared.short in UNCLONED
    if low.is_content(receiver) and not shared:
        return _on_content(low, node, receiver, method, arguments)
    return _on_value(low, node, receiver, method, arguments)


def _is_unwrapped(node: Node) -> bool:
    """Whether the answer of a call is taken for granted (`.pop().unwrap()`)."""
    parent = node.parent
    if parent is None or parent.type != "field_expression":
        return False
    return text_of(parent.child_by_field_name("field") or parent) in ("unwrap", "expect", "unwrap_unchecked")


def _call_own(low: Lowering, node: Node, receiver: Value, own: Function, arguments: list[Node]) -> Value:
    from deadheat.rust.lower.calls import call_function, unrun

    given = [(node, receiver)] if own.receiver else []
    for one in arguments:
        given.append((one, NOTHING if unrun(low, own, len(given), one) else _plain(low, one)))
    if own.receiver == "&mut self" and receiver.place is None:
        _flow_into(low, node, frozenset().union(*(value.deps for _, value in given)))
    return call_function(low, node, own, given)


def _beyond(low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]) -> Value | None:
    """A method that acts outside memory (a file, a channel, another service), or makes what is lazy."""
    if method in ("get_or_init", "get_or_try_init", "call_once"):
        inner = argument(receiver.type) or receiver.type
        return Value(inner, receiver.place, receiver.guards, deps=receiver.deps)
    found = file_method(low, node, receiver, method, arguments)
    if found is not None:
        return found
    told = signal(low, node, receiver, method, lambda: _values(low, arguments))
    if told is not None:
        return told
    if is_sender(receiver.type) and method != "clone":
        return send(low, node, receiver, method, gather(tuple(_values(low, arguments)), None).deps)
    taken = permit(low, node, receiver, method)
    if taken is not None:
        return taken
    event = outside_method(low, node, receiver, method, len(arguments))
    if event is None:
        return None
    given = gather(tuple(_values(low, arguments)), None).deps
    given = NO_DEPS if method in known.TOLD else given
    return Value(Type("Result"), deps=receiver.deps | given | {(event, "")})


def _arguments(node: Node) -> list[Node]:
    listed = node.child_by_field_name("arguments")
    return list(significant(listed)) if listed is not None else []


def _plain(low: Lowering, node: Node) -> Value:
    return evaluate(low, node)


def _acquire(
    low: Lowering, node: Node, receiver: Value, declared: Type | None, method: str, count: int
) -> Value | None:
    place = receiver.place
    if is_lock(declared):
        pass
    elif declared is not None or count or method in ("read", "write") or place is None:
        # Without a type only a bare `.lock()` on something nameable is taken for a lock.
        return None
    if count and not method.endswith(("_for", "_until")):
        return None
    inner = argument(declared)
    family = declared.short if declared is not None else "Mutex"
    if place is None or place.root.startswith("L:"):
        return Value(inner)  # nobody else can reach a lock made in this function
    operation = f"{family}::{method}"
    shared = method in known.SHARED or method.startswith("try_read")
    mode = Mode.TRY if method in known.TRY else Mode.SHARED if shared else Mode.EXCLUSIVE
    kind = {
        Mode.TRY: SiteKind.TRY_LOCK,
        Mode.SHARED: SiteKind.LOCK_SHARED,
        Mode.EXCLUSIVE: SiteKind.LOCK,
    }[mode]
    upgradable = method == "upgradable_read"  # two of these exclude each other
    if upgradable:
        kind = SiteKind.LOCK_UPGRADABLE
    note_site(
        low, node, kind, operation, AccessKind.READ if shared and not upgradable else AccessKind.WRITE, place
    )
    guard = low.acquire(node, place, declared, mode, operation)
    # std's `lock()` and every `try_` give a Result around the guard; tokio's and parking_lot's do not.
    wrapped = mode is Mode.TRY or (declared is not None and _is_poisonable(declared))
    return Value(Type("LockResult", (inner,)) if wrapped else inner, guard.place, guard.guards, owned=True)


def _is_poisonable(declared: Type) -> bool:
    return not is_async_lock(declared) and not declared.name.startswith(("parking_lot", "spin", "lock_api"))


_ENTRY = frozenset({"or_insert", "or_insert_with", "or_default", "and_modify"})


# What hands the guard on; anything else borrows from it.
_PASSING = frozenset(
    {"unwrap", "expect", "unwrap_or_else", "map_err", "ok", "ok_or", "ok_or_else", "into_inner", "or_else",
     "context", "with_context", "unwrap_unchecked", "inspect_err"}
)  # fmt: skip


def _identity(low: Lowering, receiver: Value, method: str, arguments: list[Node]) -> Value:
    declared = receiver.type
    extra: Value | None = None
    for one in arguments:
        if one.type == "closure_expression":
            extra = run_closure(low, one, (NOTHING,))
        else:
            extra = value_of(low, one)
    if declared is not None and declared.short in ("Option", "Result", "LockResult") and declared.args:
        if method in (
            "ok",
            "ok_or",
            "ok_or_else",
            "map_err",
            "context",
            "with_context",
            "or_else",
            "inspect_err",
        ):
            # A lock's Result stays one: what comes out of it is the guard.
            declared = declared if declared.short == "LockResult" else Type("Result", declared.args)
        elif method not in ("as_ref", "as_mut", "as_deref", "as_deref_mut"):
            declared = declared.args[0]
    owned = receiver.owned and method in _PASSING
    plain = receiver.type is not None and receiver.type.short in ("Option", "Result")
    if owned and plain and not is_maybe(low, receiver):
        owned = False  # `guard.unwrap()` of tokio's guard: the content's method, not the lock's
    value = Value(
        declared, receiver.place, receiver.guards, owned, receiver.deps, receiver.key, receiver.parts
    )
    if method in _PASSING and receiver.query is not None:
        value = replace(value, query=receiver.query)  # `connection.prepare(…).map_err(…)?`: the statement
    if extra is not None and method in ("unwrap_or", "unwrap_or_else", "or_else") and not receiver.owned:
        return merge_values(value, Value(deps=extra.deps))
    return value


def _values(low: Lowering, arguments: list[Node]) -> list[Value]:
    found: list[Value] = []
    for one in arguments:
        if one.type == "closure_expression":
            found.append(run_closure(low, one, ()))
        else:
            value = evaluate(low, one)
            if value.owned:
                low.release(low.claim(value), one)
            else:
                value = low.use(value, one)
            found.append(value)
    return found


def _suffix(method: str) -> str:
    return "" if method in known.EXISTENCE or method in known.IDENTITY else f"{method}()"


def _on_content(low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]) -> Value:
    """A method of the value behind a guard."""
    place = receiver.place
    if place is None:
        return NOTHING
    declared = peel(receiver.type)
    plain = [one for one in arguments if one.type != "closure_expression"]
    values = _values(low, plain)
    effect = known.effect(method)
    if low.is_bare(place):
        note_site(low, node, SiteKind.CALL, method, _ACCESS[effect], place)
    if declared is not None and declared.short == "Entry":
        effect = "rmw"
    if effect == "read" and (
        low.has_just_read(receiver) or (declared is not None and declared.short == "Iter")
    ):
        effect = "none"  # a look at what the look-up before it gave
    target = place
    if method in known.KEYED and plain:
        target = place.then(f"[{key_of(plain[0], values[0])}]")
    elif method in known.BORROWING and method not in (
        "or_insert",
        "or_insert_with",
        "or_default",
        "and_modify",
    ):
        target = place if declared is not None and declared.short in ("Option", "Iter") else place.then("[*]")
    # Which entry is removed is no value that is written.
    flowing = values if method not in known.KEYED or method in ("insert", "try_insert") else values[1:]
    deps = gather(tuple(flowing), None).deps
    if effect == "none":
        found: Deps = frozenset((event, _join(part, _suffix(method))) for event, part in receiver.deps)
    else:
        exact = method in known.KEYED or effect == "read"
        event = low.emit(
            _EFFECTS[effect], node, place=target if exact else place, type=declared,
            operation=f"{declared.short if declared is not None else 'value'}::{method}", method=method,
            guards=receiver.guards, deps=deps, mark=ASSUMED if _is_unwrapped(node) else "",
        )  # fmt: skip
        low.events[event].selects = values[0].deps if method in known.KEYED and values else NO_DEPS
        found = frozenset({(event, _suffix(method))}) | receiver.deps
    element = element_type(declared) if declared is not None else None
    if declared is not None and declared.short == "Option":
        element = argument(declared)
    produced: Value | None = None
    for one in arguments:
        if one.type == "closure_expression":
            inner = target if method in known.KEYED or method in known.BORROWING else place.then("[*]")
            if declared is not None and declared.short in ("Option", "Result", "Entry", "Iter"):
                inner = place
            item = Value(element, inner, receiver.guards, deps=found)
            produced = run_closure(low, one, (item, item))
    result = method_result(declared, method)
    if method in known.BORROWING:
        goes_on = method in _ENTRY and is_map_guard(low, receiver)
        return Value(result, target, receiver.guards, owned=goes_on, deps=found)
    if method in ("clone", "cloned", "copied") or (method == "map" and is_clone(arguments)):
        return low.detach(Value(receiver.type, target, deps=found, key=receiver.key))
    if method in ("map", "and_then", "map_or", "map_or_else", "then") and produced is not None:
        return Value(
            Type("Option", (produced.type,)) if result is None else result,
            produced.place, produced.guards, deps=mapped(method, found, produced.deps),
        )  # fmt: skip
    extra = produced.deps if produced is not None else NO_DEPS
    return Value(
        result, deps=found | extra | (deps if method in ("saturating_sub", "saturating_add") else NO_DEPS)
    )


def _on_value(low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]) -> Value:
    """A method of something that is not shared (any more)."""
    if low.is_content(receiver) or (method == "clone" and receiver.place is not None):
        return Value(receiver.type, receiver.place, receiver.guards, deps=receiver.deps, key=receiver.key)
    declared = receiver.type
    element = element_type(declared)
    if declared is not None and declared.short in ("Option", "Result"):
        element = argument(declared)
    item = Value(element, receiver.place, receiver.guards, deps=receiver.deps)
    parts: list[Value] = []
    for one in arguments:
        if one.type == "closure_expression":
            parts.append(run_closure(low, one, (item, item)))
        else:
            value = evaluate(low, one)
            if value.owned:
                low.release(low.claim(value), one)
                parts.append(Value(deps=value.deps))
            else:
                parts.append(low.use(value, one))
    if arguments and not arguments[0].type.startswith("closure"):
        passed_on(low, node, method, list(zip(arguments, parts, strict=True)))
    suffix = _suffix(method) if method not in known.DETACHING or method == "len" else ""
    if not parts or method not in ("map", "and_then", "map_or"):
        deps = frozenset((event, _join(part, suffix)) for event, part in receiver.deps)
    else:
        deps = receiver.deps
    for part in parts if method not in known.TOLD else ():
        deps |= part.deps
    if known.effect(method) == "rmw" and parts:
        _flow_back(low, node, frozenset().union(*(part.deps for part in parts)))
    if declared is not None and is_synchronised(peel(declared)):
        return Value(declared, receiver.place, deps=deps)
    result = method_result(declared, method)
    if receiver.place is not None and method in known.BORROWING and low.types.holds_locks(result):
        # `accounts.get(&id)` of a plain collection of locks: still one of its elements.
        keyed = method in known.KEYED and arguments
        step = f"[{key_of(arguments[0], parts[0])}]" if keyed else "[*]"
        place = receiver.place if _is_one(declared) else receiver.place.then(step)
        return Value(result, place, receiver.guards, deps=deps)
    keeps = (
        receiver.key
        if method in ("clone", "to_string", "to_owned", "as_str", "into", "trim") or (method in SAME_PATH)
        else None
    )
    return Value(result, None, (), owned=False, deps=deps if len(deps) < 96 else receiver.deps, key=keeps)


def _is_one(declared: Type | None) -> bool:
    inner = peel(declared)
    return inner is not None and inner.short in ("Option", "Result", "Iter")


def _flow_back(low: Lowering, node: Node, deps: Deps) -> None:
    """`local.push(x)`: the local now also holds what `x` depends on."""
    if deps:
        _flow_into(low, node, deps)


def _flow_into(low: Lowering, node: Node, deps: Deps) -> None:
    """The variable that a method was called on has changed."""
    callee = node.child_by_field_name("function")
    receiver = callee.child_by_field_name("value") if callee is not None else None
    while receiver is not None and receiver.type in ("field_expression", "index_expression"):
        receiver = next(significant(receiver), None)
    if receiver is not None and receiver.type == "identifier":
        low.flow_into(text_of(receiver), deps)


def _join(part: str, suffix: str) -> str:
    if not suffix or part.count(".") > 3:
        return part
    return f"{part}.{suffix}" if part else suffix
