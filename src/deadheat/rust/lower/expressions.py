"""Expressions: one function a syntax kind, from node to value.

Owns evaluation order and what is read when. A place expression (`*guard`, `guard.balance`,
`users.count`) evaluates to its place; only a consumer that needs the value reads it, so that
`&guard.items` and `guard.items.push(…)` are not reads. Chains and operators that nest to the
left are walked in a loop; anything else nested deeper than `DEPTH` is left out.
"""

from collections.abc import Callable

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.query import Op, Query
from deadheat.rust.ir import NO_DEPS, NOTHING, Dep, Deps, Kind, Place, Value
from deadheat.rust.items import segments
from deadheat.rust.lower.builder import Lowering, shape
from deadheat.rust.lower.mutation import assigned
from deadheat.rust.lower.sites import note_plain
from deadheat.rust.lower.values import with_deps
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type, argument, peel

DEPTH = 90
Handler = Callable[[Lowering, Node], Value]
# Asked first what a path means: (written, resolved) → a value, or None.
PATHS: list[Callable[[Lowering, tuple[str, ...], str], Value | None]] = []
# Asked what a struct literal of ours means to a database: (type, fields) → what it will write, or None.
STRUCTS: list[Callable[[Lowering, Type | None, list[tuple[str, Node, Value]]], Query | None]] = []
EXPRESSIONS: dict[str, Handler] = {}


def expression(*kinds: str) -> Callable[[Handler], Handler]:
    """Register the function that lowers these syntax kinds."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            EXPRESSIONS[kind] = handler
        return handler

    return register


def evaluate(low: Lowering, node: Node | None) -> Value:
    """The value of an expression; a place is not read yet."""
    if node is None:
        return NOTHING
    if low.depth > DEPTH:
        low.truncated = True
        return NOTHING
    handler = EXPRESSIONS.get(node.type)
    if handler is None:
        return NOTHING
    low.depth += 1
    try:
        return handler(low, node)
    finally:
        low.depth -= 1


def value_of(low: Lowering, node: Node | None) -> Value:
    """The value of an expression, read if it is a place."""
    return NOTHING if node is None else low.use(evaluate(low, node), node)


def moved(low: Lowering, node: Node | None) -> Value:
    """The value of an expression that is moved: a guard goes along, a place is read."""
    value = evaluate(low, node)
    return value if node is None or value.owned else low.use(value, node)


def key_of(node: Node, value: Value) -> str:
    """A name for a key: the variable it comes from, else its text without borrows and copies."""
    if value.key is not None:
        return value.key
    text = "".join(text_of(node).split())
    for noise in (".clone()", ".to_string()", ".to_owned()", ".as_str()", ".into()", "String::from"):
        text = text.replace(noise, "")
    return text.lstrip("&*")[:60]


@expression("identifier", "self", "shorthand_field_identifier")
def _identifier(low: Lowering, node: Node) -> Value:
    name = text_of(node)
    binding = low.lookup(name)
    if binding is not None:
        value = binding.value
        if value.owned != bool(binding.owned):
            value = Value(
                value.type, value.place, value.guards, bool(binding.owned), value.deps, value.key, value.parts
            )
        return value
    return named(low, (name,))


@expression("scoped_identifier", "generic_function")
def _path(low: Lowering, node: Node) -> Value:
    return named(low, segments(node))


def named(low: Lowering, path: tuple[str, ...]) -> Value:
    """A static, a constant, a unit struct or variant."""
    resolved = low.types.modules.resolve(low.module, path)
    for ask in PATHS:
        meant = ask(low, path, resolved)
        if meant is not None:
            return meant
    static = low.types.statics.get(resolved)
    if static is not None:
        declared = low.types.read(static.type, static.module)
        if static.is_const:
            return Value(declared, key="::".join(path))
        return Value(declared, Place(f"G:{resolved}"))
    if resolved in low.types.items:
        return Value(Type(resolved), key="::".join(path))
    return Value(key="::".join(path))


@expression("integer_literal", "float_literal", "string_literal", "char_literal", "boolean_literal",
            "raw_string_literal", "negative_literal")  # fmt: skip
def _literal(low: Lowering, node: Node) -> Value:
    del low
    return Value(key=text_of(node)[:60])


@expression("parenthesized_expression")
def _parenthesized(low: Lowering, node: Node) -> Value:
    return evaluate(low, next(significant(node), None))


@expression("reference_expression")
def _reference(low: Lowering, node: Node) -> Value:
    value = evaluate(low, node.child_by_field_name("value"))
    # A borrow of a guard is no guard: it does not end with whoever gets it.
    if value.query is not None:
        return value
    return Value(value.type, value.place, value.guards, owned=False, deps=value.deps, key=value.key)


@expression("unary_expression")
def _unary(low: Lowering, node: Node) -> Value:
    operand = next(significant(node), None)
    if (node.text or b"").startswith(b"*"):
        value = evaluate(low, operand)
        if value.place is not None and not value.place.is_content and value.owned:
            return value
        return Value(peel(value.type), value.place, value.guards, owned=False, deps=value.deps, key=value.key)
    value = value_of(low, operand)
    return Value(value.type, deps=value.deps)


@expression("binary_expression")
def _binary(low: Lowering, node: Node) -> Value:
    spine: list[Node] = []
    current: Node | None = node
    while current is not None and current.type == "binary_expression":
        spine.append(current)
        current = current.child_by_field_name("left")
    left = value_of(low, current)
    result: Type | None = left.type
    deps = left.deps
    for step in reversed(spine):
        operator, right = field_text(step, "operator"), step.child_by_field_name("right")
        if operator in ("&&", "||"):
            low.push_temporaries()
            taken = low.fork([_arm(low, right), _nothing], deps, step)
            low.pop_temporaries(step)
            deps = deps | taken.deps
        else:
            deps = deps | value_of(low, right).deps
        if operator in ("&&", "||", "==", "!=", "<", ">", "<=", ">="):
            result = Type("bool")
    return Value(result, deps=deps)


def _arm(low: Lowering, node: Node | None) -> Callable[[], Value]:
    return lambda: value_of(low, node)


def _nothing() -> Value:
    return NOTHING


@expression("assignment_expression")
def _assignment(low: Lowering, node: Node) -> Value:
    target = _behind_macro(low, node.child_by_field_name("left"))
    value = value_of(low, node.child_by_field_name("right"))
    if target is None:
        return NOTHING
    if target.type == "identifier" and low.lookup(text_of(target)) is not None:
        binding = low.lookup(text_of(target))
        inner = binding.value if binding is not None else NOTHING
        if inner.place is None or not low.is_content(inner) or inner.place.root.startswith("P:"):
            low.assign(text_of(target), value, node)
            return NOTHING
    store(low, node, target, value.deps, Kind.WRITE, "=")
    return NOTHING


def _behind_macro(low: Lowering, target: Node | None) -> Node | None:
    """`select! { … } *total = 1`: two statements, which the grammar takes for a product."""
    if target is None or target.type != "binary_expression" or field_text(target, "operator") != "*":
        return target
    ahead = target.child_by_field_name("left")
    if ahead is None or ahead.type != "macro_invocation" or not text_of(ahead).endswith("}"):
        return target
    evaluate(low, ahead)
    return target.child_by_field_name("right")


@expression("compound_assignment_expr")
def _compound(low: Lowering, node: Node) -> Value:
    target = _behind_macro(low, node.child_by_field_name("left"))
    value = value_of(low, node.child_by_field_name("right"))
    if target is not None:
        store(low, node, target, value.deps, Kind.RMW, field_text(node, "operator"))
    return NOTHING


def store(low: Lowering, node: Node, target: Node, deps: Deps, kind: Kind, operator: str) -> None:
    """A write to a place, or to a local variable (then what flows in is remembered)."""
    place = evaluate(low, target)
    if place.place is not None and low.is_content(place):
        note_plain(low, node, place.place, node.child_by_field_name("right"))
        # Where the written place itself was looked up (`*map.get_mut(k)?`) is not what flows in.
        low.emit(
            kind, node, place=place.place, type=place.type, operation=f"{shape(target)} {operator} …",
            method=operator, guards=place.guards, deps=deps,
        )  # fmt: skip
        return
    assigned(low, target, deps, updates=kind is Kind.RMW)


@expression("field_expression")
def _field(low: Lowering, node: Node) -> Value:
    return EXPRESSIONS["call_expression"](low, node)  # a postfix chain


def dereferenced(low: Lowering, value: Value, enough: Callable[[Type | None], bool]) -> Value:
    """The value behind our own `Deref` impls, as far as needed; its place is the field it derefs to."""
    for _ in range(4):
        declared = peel(value.type)
        field = low.types.deref_field(declared) if declared is not None and not enough(declared) else None
        if declared is None or field is None:
            return value
        place = value.place.then(field) if value.place is not None else None
        target = low.types.derefs[declared.name]
        value = Value(target, place, value.guards, owned=False, deps=value.deps, key=value.key)
    return value


def field_of(low: Lowering, value: Value, name: str) -> Value:
    """`value.name`, for structs and tuples."""
    if value.parts and name.isdigit() and int(name) < len(value.parts):
        return value.parts[int(name)]
    value = dereferenced(low, value, lambda declared: name in low.types.fields(declared))
    declared = low.types.field(value.type, name)
    place = value.place.then(name) if value.place is not None else None
    if place is not None:
        return Value(declared, place, value.guards, owned=False, deps=value.deps)
    if name.isdigit():
        return Value(declared, None, value.guards, owned=False, deps=column_of(low, value.deps, int(name)))
    deps = frozenset((event, f"{part}.{name}" if part else name) for event, part in value.deps)
    return Value(declared, None, value.guards, owned=False, deps=deps if len(deps) < 64 else value.deps)


def column_of(low: Lowering, deps: Deps, index: int, *, plain: bool = False) -> Deps:
    """What one element of a tuple depends on: of a row that was read, that column.

    `plain`: of anything else an element is taken for the whole.
    """
    found: set[Dep] = set()
    for event, part in deps:
        query = low.events[event].query if event >= 0 else None
        name = "" if plain else str(index)
        if query is not None:
            read = query.op is Op.SELECT and not query.aggregate
            name = query.columns[index] if read and index < len(query.columns) else ""
        found.add((event, f"{part}.{name}" if part and name else part or name))
    return frozenset(found)


@expression("tuple_expression")
def _tuple(low: Lowering, node: Node) -> Value:
    parts = tuple(moved(low, child) for child in significant(node))
    return gather(parts, Type("(tuple)", tuple(part.type for part in parts)), parts)


@expression("array_expression")
def _array(low: Lowering, node: Node) -> Value:
    parts = tuple(moved(low, child) for child in significant(node))
    return gather(parts, Type("[array]", (parts[0].type if parts else None,)))


def gather(parts: tuple[Value, ...], declared: Type | None, kept: tuple[Value, ...] = ()) -> Value:
    """A new value made of others: their guards move into it, what they depend on flows into it."""
    deps: Deps = NO_DEPS
    guards: tuple[int, ...] = ()
    for part in parts:
        deps |= part.deps
        if part.owned:
            guards += part.guards
    return Value(declared, None, guards, bool(guards), deps, None, kept)


@expression("struct_expression")
def _struct(low: Lowering, node: Node) -> Value:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    parts: list[Value] = []
    fields: list[tuple[str, Node, Value]] = []
    for child in significant(body) if body is not None else ():
        if child.type == "field_initializer":
            value = child.child_by_field_name("value")
            parts.append(moved(low, value))
            if value is not None:
                fields.append((field_text(child, "field"), value, parts[-1]))
        else:
            parts.append(moved(low, next(significant(child), None)))
    declared = low.types.read(name, low.module, low.self_type) if name is not None else None
    made = gather(tuple(parts), declared)
    for meaning in STRUCTS:
        query = meaning(low, declared, fields)
        if query is not None:
            return replace(made, query=query)
    return made


@expression("range_expression")
def _range(low: Lowering, node: Node) -> Value:
    return gather(tuple(value_of(low, child) for child in significant(node)), Type("Range"))


@expression("type_cast_expression")
def _cast(low: Lowering, node: Node) -> Value:
    value = value_of(low, node.child_by_field_name("value"))
    declared = low.types.read(node.child_by_field_name("type"), low.module, low.self_type)
    return Value(declared, deps=value.deps, key=value.key)


@expression("unsafe_block", "async_block", "gen_block", "try_block", "const_block")
def _wrapped_block(low: Lowering, node: Node) -> Value:
    inner = next((child for child in node.named_children if child.type == "block"), None)
    if node.type == "async_block":
        return EXPRESSIONS["closure_expression"](low, node)
    return evaluate(low, inner)


def unwrap(low: Lowering, value: Value) -> Value:
    """`Ok(v)`/`Some(v)` seen as `v`."""
    del low
    if value.type is not None and value.type.short in ("Option", "Result", "LockResult", "Entry"):
        return Value(
            argument(value.type), value.place, value.guards, value.owned, value.deps, value.key, value.parts
        )
    return value


def copies(node: Node) -> bool:
    """Whether a place as a block's value is copied out (`{ *guard }`) and not borrowed."""
    return node.type in ("unary_expression", "field_expression", "index_expression")


__all__ = [
    "copies",
    "evaluate",
    "expression",
    "field_of",
    "gather",
    "key_of",
    "moved",
    "named",
    "unwrap",
    "value_of",
    "with_deps",
]
