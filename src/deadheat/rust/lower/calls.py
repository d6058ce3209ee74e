"""Postfix chains and calls by path.

Owns the order of evaluation along `a.b().c.await?[d]` (walked in a loop, however long), calls of
our own functions, constructors, `drop`, spawns. What a *method* does is `methods`' business.
"""

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known, outside
from deadheat.rust.contexts import starts
from deadheat.rust.db import dispatch as database
from deadheat.rust.ir import CALLBACK, HANDED, NO_DEPS, NOTHING, Deps, Kind, Place, Summary, Value
from deadheat.rust.items import Function, segments
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import evaluate, expression, field_of, gather, key_of, unwrap, value_of
from deadheat.rust.lower.files import file_call, passed_on
from deadheat.rust.lower.guards import may_panic
from deadheat.rust.lower.inline import inline
from deadheat.rust.lower.looks import looked_at
from deadheat.rust.lower.managed import state_key
from deadheat.rust.lower.methods import call_method
from deadheat.rust.lower.mutation import passed
from deadheat.rust.lower.outside import note, outside_call
from deadheat.rust.lower.results import element_type
from deadheat.rust.lower.sites import note_site
from deadheat.rust.lower.spawn import joined, spawn
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type, argument, is_synchronised, peel

_TRANSPARENT = frozenset({"Some", "Ok", "Box", "Arc", "Rc", "Pin", "Cow", "Json", "Custom", "Created"})
_CONSTRUCTORS = frozenset(
    {"new", "default", "with_capacity", "from", "from_iter", "const_new", "from_pointee", "clone"}
)

# `conn.run(|c| …)` of rocket_sync_db_pools, `conn.interact(|c| …)` of deadpool: on a thread that may wait.
_OFFLOADING = frozenset({"run", "interact"})
_MAKERS = ("new", "default", "build", "create", "from", "with_", "open", "clone", "init")


@expression("call_expression", "await_expression", "try_expression", "index_expression")
def postfix(low: Lowering, node: Node) -> Value:
    """A chain of calls, fields, indexes, `.await` and `?`, from its base outwards."""
    steps: list[Node] = []
    current: Node = node
    while True:
        kind = current.type
        inner: Node | None = None
        if kind == "call_expression":
            callee = _callee(current)
            if callee is None or callee.type != "field_expression":
                break
            inner = callee.child_by_field_name("value")
        elif kind == "field_expression":
            inner = current.child_by_field_name("value")
        elif kind in ("await_expression", "try_expression", "index_expression"):
            inner = next(significant(current), None)
        if inner is None:
            break
        steps.append(current)
        current = inner
    value = _call_path(low, current) if current.type == "call_expression" else evaluate(low, current)
    for step in reversed(steps):
        value = _step(low, step, value)
    return value


def _callee(node: Node) -> Node | None:
    callee = node.child_by_field_name("function")
    if callee is not None and callee.type == "generic_function":
        inner = callee.child_by_field_name("function")
        if inner is not None and inner.type == "field_expression":
            return inner
    return callee


def _step(low: Lowering, step: Node, value: Value) -> Value:
    kind = step.type
    if kind == "call_expression":
        callee = _callee(step)
        method = field_text(callee, "field") if callee is not None else ""
        if method in _OFFLOADING:
            with low.elsewhere():
                return call_method(low, step, value, method)
        return call_method(low, step, value, method)
    if kind == "field_expression":
        return field_of(low, value, field_text(step, "field"))
    if kind == "await_expression":
        low.emit(Kind.AWAIT, step, deps=joined(low, value.deps))
        return value
    if kind == "try_expression":
        low.early_exit(step, value)
        return unwrap(low, value)
    may_panic(low, step, "[…]")
    children = list(significant(step))
    index = children[1] if len(children) > 1 else None
    at = value_of(low, index)
    element = (
        element_type(value.type) if value.type is None or peel(value.type) is None else _indexed(value.type)
    )
    place = (
        value.place.then(f"[{key_of(index, at)}]") if value.place is not None and index is not None else None
    )
    return Value(element, place, value.guards, deps=value.deps | (at.deps if place is None else NO_DEPS))


def _indexed(declared: Type | None) -> Type | None:
    declared = peel(declared)
    if declared is not None and declared.short in ("HashMap", "BTreeMap", "IndexMap"):
        return argument(declared, 1)
    return argument(declared)


def arguments_of(node: Node) -> list[Node]:
    """The argument expressions of a call."""
    listed = node.child_by_field_name("arguments")
    return list(significant(listed)) if listed is not None else []


def _call_path(low: Lowering, node: Node) -> Value:
    callee = node.child_by_field_name("function")
    if callee is None:
        return NOTHING
    if callee.type == "generic_function":
        callee = callee.child_by_field_name("function") or callee
    if callee.type not in ("identifier", "scoped_identifier"):
        evaluate(low, callee)
        return gather(tuple(value_of(low, one) for one in arguments_of(node)), None)
    path = segments(callee)
    if len(path) == 1 and low.lookup(path[0]) is not None:
        binding = low.lookup(path[0])
        values = _handed_over(low, binding.value.key if binding is not None else None, arguments_of(node))
        captured = binding.value.deps if binding is not None else NO_DEPS
        return Value(deps=gather(values, None).deps | captured)
    own = _own_function(low, path)
    if own is not None:
        given = [
            (one, NOTHING if unrun(low, own, index, one) else evaluate(low, one))
            for index, one in enumerate(arguments_of(node))
        ]
        return call_function(low, node, own, given)
    return _foreign(low, node, path)


def _handed_over(low: Lowering, key: str | None, arguments: list[Node]) -> tuple[Value, ...]:
    """The arguments of a call of a closure; where it was a parameter, callers put its body here."""
    before = len(low.events)
    values = tuple(value_of(low, one) for one in arguments)
    if key is not None and key.startswith("§") and key[1:].isdigit():
        for event in low.events[before:]:
            if event.kind is Kind.READ and event.method == "read":
                event.mark = f"{CALLBACK}{key[1:]}"
                break
    return values


def unrun(low: Lowering, function: Function, index: int, node: Node) -> bool:
    """Whether an argument is a closure that the callee runs on what it guards: then it runs there."""
    if node.type != "closure_expression":
        return False
    summary = low.summaries(function)
    return summary is not None and index in summary.callbacks


def _own_function(low: Lowering, path: tuple[str, ...]) -> Function | None:
    types = low.types
    if path[0] == "Self" and low.self_type is not None and len(path) == 2:
        return types.method(low.self_type, path[1])
    if len(path) == 2 and path[0] in low.generics:
        return types.method(low.generics[path[0]], path[1])
    resolved = types.modules.resolve(low.module, path)
    function = types.functions.get(resolved)
    if function is not None:
        return function if function.block is not None else None
    owner, _, name = resolved.rpartition("::")
    if owner in types.items:
        item = types.items[owner]
        declared = (
            types.read(item.node.child_by_field_name("type"), item.module)
            if item.kind == "type"
            else Type(owner)
        )
        return types.method(declared, name)
    return None


def call_function(low: Lowering, node: Node, function: Function, given: list[tuple[Node, Value]]) -> Value:
    """A call of one of our functions: its events happen here."""
    # In `Type::method(receiver, …)` the receiver is simply the first argument.
    summary = low.summaries(function)
    declared = low.types.result(function)
    if function.receiver == "&mut self" or any(value.deps for _, value in given):
        passed(low, node, function, given)
    if summary is None or not (
        summary.matters_for([value for _, value in given]) or _hands_on(low, declared, summary)
    ):
        values = tuple(low.use(value, one) for one, value in given)
        passed_on(low, node, function.name, given[1:] if function.receiver else given)
        _drop_moved(low, given, node)
        deps = {(event, f"{part}.{function.name}()" if part else f"{function.name}()")
                for value in values for event, part in value.deps}  # fmt: skip
        if function.receiver and values and values[0].deps:
            deps |= {(event, f"{part}.{field}" if part else field)
                     for field in looked_at(low, function, values[0].type)
                     for event, part in values[0].deps}  # fmt: skip
        if summary is not None and summary.result.place is not None and summary.result.place.root[0] in "SG":
            return Value(declared or summary.result.type, summary.result.place, deps=frozenset(deps))
        fresh = _fresh(low, declared, function.name, frozenset(deps) if len(deps) < 64 else NO_DEPS)
        query = summary.result.query if summary is not None else None
        if query is not None and query.is_collection:
            names = {f"§{index}": key_of(one, value) for index, (one, value) in enumerate(given)}
            return replace(fresh, query=query.renamed(names))
        return fresh
    moved = [value for one, value in given if value.owned]
    closures = {
        index: one for index, (one, _) in enumerate(given)
        if index in summary.callbacks and one.type == "closure_expression"
    }  # fmt: skip
    result = inline(
        low, node, summary, [value for _, value in given], [key_of(one, value) for one, value in given],
        lambda index, item: run_closure(low, closures[index], (item,)) if index in closures else None,
    )  # fmt: skip
    for value in moved:
        low.claim(value)
        low.release([guard for guard in value.guards if guard not in result.guards], node)
    if result.owned:
        low.temporaries[-1].extend(result.guards)  # until somebody takes it
    if result.place is None:
        fresh = _fresh(low, declared, function.name, result.deps)
        return Value(
            fresh.type, fresh.place, result.guards, result.owned, result.deps, result.key, result.parts,
            result.query,
        )  # fmt: skip
    return Value(declared or result.type, result.place, result.guards, result.owned, result.deps, result.key)


def _hands_on(low: Lowering, declared: Type | None, summary: Summary) -> bool:
    """Whether all a function does is to find a lock of its argument's (`fn slot(&self) -> &Mutex<_>`)."""
    place = summary.result.place
    return place is not None and place.root.startswith("P:") and low.types.holds_locks(declared)


def _fresh(low: Lowering, declared: Type | None, name: str, deps: Deps) -> Value:
    """A call's result: one of our types that holds locks is somebody's shared value."""
    inner = peel(declared)
    if (
        inner is not None
        and inner.name in low.types.items
        and not name.startswith(_MAKERS)
        and low.types.holds_locks(inner)
    ):
        return Value(declared, Place(low.types.some(inner)), deps=deps)
    return Value(declared, deps=deps)


def _drop_moved(low: Lowering, given: list[tuple[Node, Value]], node: Node) -> None:
    for _, value in given:
        if value.owned:
            low.release(low.claim(value), node)


def _foreign(low: Lowering, node: Node, path: tuple[str, ...]) -> Value:
    name = path[-1]
    statement = database.call(low, node, path)
    if statement is not None:
        return statement
    arguments = arguments_of(node)
    before = path[-2] if len(path) > 1 else ""
    if name == "drop" and before in ("", "mem"):
        for one in arguments:
            value = evaluate(low, one)
            if value.owned:
                low.release(low.claim(value), node)
        return NOTHING
    if name in known.SPAWN_FUTURE | known.SPAWN_CLOSURE | {"block_in_place"} and arguments:
        return spawn(low, node, name, before, arguments)
    if before in ("rocket", "Rocket") and name in ("build", "custom", "ignite"):
        note_site(low, node, SiteKind.BUILD, f"rocket::{name}", AccessKind.WRITE, None)
    if before == "mem" and name in ("take", "replace", "swap"):
        return _exchange(low, node, name, arguments)
    if name in _TRANSPARENT or (before in _TRANSPARENT and name in ("new", "pin", "clone", "from")):
        return _transparent(low, path, name, before, arguments)
    if name in ("timeout", "timeout_at") and len(arguments) == 2:
        return cancellable(low, node, name, arguments)
    values = tuple(_argument(low, one) for one in arguments)
    for one, value in zip(arguments, values, strict=True):
        if value.owned:
            low.release(low.claim(value), one)
    deps = gather(values, None).deps
    given = list(zip(arguments, values, strict=True))
    beyond = file_call(low, node, path, given) or outside_call(low, node, path, deps)
    if beyond is not None:
        return beyond
    passed_on(low, node, name, given)
    return _made(low, path, name, values, deps)


def _made(low: Lowering, path: tuple[str, ...], name: str, values: tuple[Value, ...], deps: Deps) -> Value:
    """What a foreign function makes of its arguments."""
    if name == "Err":
        # Marked, because an answer that refuses is another answer than one that hands out.
        return Value(
            Type("Result"), deps=frozenset((event, f"{part}.Err()".lstrip(".")) for event, part in deps)
        )
    if name in _CONSTRUCTORS or name[:1].isupper():
        owner = path[:-1] if name in _CONSTRUCTORS else path
        resolved = low.types.modules.resolve(low.module, owner) if owner != ("Self",) else ""
        inner = () if name == "with_capacity" else tuple(v.type for v in values[:1])  # a number is no element
        declared = low.self_type if owner == ("Self",) else Type(resolved, inner)
        if declared is not None and declared.name in low.types.items:
            declared = Type(declared.name)
        if name == "Success":  # what a request guard hands out is not what it decides by
            deps = frozenset((event, f"{part}.{HANDED}".lstrip(".")) for event, part in deps)
        return Value(declared, deps=deps)
    suffixed = frozenset((event, f"{part}.{name}()" if part else f"{name}()") for event, part in deps)
    return Value(deps=suffixed)


def cancellable(low: Lowering, node: Node, name: str, arguments: list[Node]) -> Value:
    """`timeout(limit, work)`: the work may be dropped at any of its awaits."""
    deps = value_of(low, arguments[0]).deps
    note(low, node, outside.CANCELLABLE, name)
    work = value_of(low, arguments[1])
    ended = note(low, node, outside.COMPLETED, name)
    return Value(Type("Result", (work.type,)), deps=deps | work.deps | {(ended, "")})


def _argument(low: Lowering, node: Node) -> Value:
    """An argument of a foreign function: read, or changed when it is passed as `&mut`."""
    if node.type == "closure_expression":
        return run_closure(low, node, ())
    value = evaluate(low, node)
    if node.type == "reference_expression" and any(
        c.type == "mutable_specifier" for c in node.named_children
    ):
        if low.is_content(value):
            event = low.emit(
                Kind.RMW, node, place=value.place, type=value.type, operation="&mut", method="&mut",
                guards=value.guards,
            )  # fmt: skip
            return Value(value.type, deps=value.deps | {(event, "")})
        inner = node.child_by_field_name("value")
        if inner is not None and inner.type == "identifier":
            low.flow_into(text_of(inner), value.deps)
    return low.use(value, node) if not value.owned else value


def _transparent(
    low: Lowering, path: tuple[str, ...], name: str, before: str, arguments: list[Node]
) -> Value:
    values = tuple(evaluate(low, one) for one in arguments)
    if len(values) != 1:
        used = tuple(low.use(value, one) for one, value in zip(arguments, values, strict=True))
        return gather(used, None)
    value, one = values[0], arguments[0]
    if name == "clone":
        if low.is_content(value) and one.type != "reference_expression":
            value = low.use(value, one)
        return value
    wrapper = before if before in _TRANSPARENT and name in ("new", "pin", "from") else name
    if low.is_content(value) and one.type in ("unary_expression", "field_expression", "index_expression"):
        value = low.use(value, one)
    if wrapper in ("Some", "Ok"):
        declared: Type | None = Type("Option" if wrapper == "Some" else "Result", (value.type,))
    else:
        declared = Type(low.types.modules.resolve(low.module, path[:-1] if before else path), (value.type,))
        if wrapper == "Arc" and value.place is None and low.function.owner is None and starts(low.function):
            inner = peel(declared)
            if is_synchronised(inner) or low.types.holds_locks(inner):
                return replace(
                    value, type=declared, place=Place(f"S:{state_key(declared)}")
                )  # made to be shared
    return Value(declared, value.place, value.guards, value.owned, value.deps, value.key, value.parts)


def _exchange(low: Lowering, node: Node, name: str, arguments: list[Node]) -> Value:
    """`mem::take`, `mem::replace`, `mem::swap`: the old value comes out, a new one goes in."""
    values = [evaluate(low, one) for one in arguments]
    deps = gather(
        tuple(low.use(value, one) for one, value in zip(arguments[1:], values[1:], strict=True)), None
    ).deps
    if values and low.is_content(values[0]):
        event = low.emit(
            Kind.RMW, node, place=values[0].place, type=values[0].type, operation=f"mem::{name}", method=name,
            guards=values[0].guards, deps=deps,
        )  # fmt: skip
        return Value(values[0].type, deps=frozenset({(event, "")}))
    return Value(values[0].type if values else None, deps=deps)
