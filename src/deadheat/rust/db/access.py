"""From a statement to an event.

Owns the emission of database accesses, the values that a query gives back, and transactions. A
transaction is a guard like that of a lock (`Kind.BEGIN`): it follows moves and parameters, and
ends with COMMIT, ROLLBACK or the scope that owns it. Statements are inside the one whose guard
their executor carries (`&mut *tx`) or whose closure they stand in.
"""

from collections.abc import Iterable

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.held import note_begin, note_statement
from deadheat.rust.db.query import Op, Query
from deadheat.rust.ir import NO_DEPS, THROUGH, Deps, Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import evaluate
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type

_KINDS = {Op.SELECT: Kind.READ, Op.INSERT: Kind.WRITE, Op.UPDATE: Kind.WRITE, Op.DELETE: Kind.WRITE}
TRANSACTION = Type("Transaction")


def builder(query: Query, deps: Deps = NO_DEPS, selects: Deps = NO_DEPS, type: Type | None = None) -> Value:
    """A statement that is not executed yet; `deps` flow into it, `selects` choose its rows."""
    return Value(type, deps=deps, query=query, parts=(Value(deps=selects),))


def chosen_by(value: Value) -> Deps:
    """What the rows of a builder are chosen by."""
    return value.parts[0].deps if value.parts else NO_DEPS


def execute(
    low: Lowering,
    node: Node,
    query: Query,
    deps: Deps,
    selects: Deps,
    executors: Iterable[Value] = (),
    result: Type | None = None,
    operation: str = "",
) -> Value:
    """The statement runs: one event; what it gives back depends on it."""
    executors = tuple(executors)
    note_statement(low, node, query, operation or describe(query), executors)
    kind = _KINDS.get(query.op)
    if kind is None or (not query.table and query.aggregate != "last"):
        return Value(result, deps=deps | selects)
    if query.op is Op.UPDATE and query.relative and set(query.columns) <= set(query.relative):
        kind = Kind.RMW
    guards = tuple(dict.fromkeys([g for value in executors for g in value.guards] + low.transactions))
    path: tuple[str, ...] = (THROUGH,)  # each statement is one step
    key = query.key
    if key is not None:
        path += (f"[{key}]",)
    event = low.emit(
        kind, node, place=Place(f"D:{query.table}", path), operation=operation or describe(query),
        method=query.op.value, guards=guards, deps=deps,
    )  # fmt: skip
    one = low.events[event]
    one.query, one.selects = query, selects
    part = query.columns[0] if query.aggregate == "scalar" and len(query.columns) == 1 else ""
    return Value(result, deps=frozenset({(event, part)}))


def describe(query: Query) -> str:
    """A statement in a few words: `UPDATE coupons`."""
    if query.store == "cache":
        return query.op.value
    verb = {Op.SELECT: "SELECT", Op.INSERT: "INSERT INTO", Op.UPDATE: "UPDATE", Op.DELETE: "DELETE FROM"}
    return f"{verb.get(query.op, query.op.value.upper())} {query.table}".strip()


def begin(low: Lowering, node: Node, isolation: str) -> int:
    """A transaction starts; its guard is a temporary until something takes it."""
    note_begin(low, node, isolation)
    number = low.emit(Kind.BEGIN, node, operation=isolation, method="begin")
    low.events[number].guards = (number,)
    return number


def started(low: Lowering, node: Node, isolation: str) -> Value:
    """`pool.begin().await?`: the value is the transaction."""
    number = begin(low, node, isolation)
    low.temporaries[-1].append(number)
    return Value(TRANSACTION, None, (number,), owned=True)


def arguments(node: Node) -> list[Node]:
    """The argument expressions of a call."""
    listed = node.child_by_field_name("arguments")
    return list(significant(listed)) if listed is not None else []


def turbofish(low: Lowering, node: Node, index: int = 0) -> Type | None:
    """The type written as `method::<T>`; `index` counts from the end for negative numbers."""
    callee = node.child_by_field_name("function")
    written = callee.child_by_field_name("type_arguments") if callee is not None else None
    if written is None:
        return None
    listed = [child for child in significant(written) if child.type != "lifetime"]
    if not -len(listed) <= index < len(listed):
        return None
    declared = low.types.read(listed[index], low.module, low.self_type)
    return declared if declared is not None and declared.name != "_" else None


def queried(low: Lowering, value: Value, ops: tuple[Op, ...] | None = None) -> list[int]:
    """The database events that a value comes from."""
    found: list[int] = []
    for event, _ in value.deps:
        if event >= 0:
            query = low.events[event].query
            if query is not None and (ops is None or query.op in ops):
                found.append(event)
    return found


def note_outcome(low: Lowering, value: Value, outcome: str) -> None:
    """Remember what happens first to the result of a write."""
    for event, part in value.deps:
        if event < 0 or part:
            continue
        query = low.events[event].query
        if query is not None and query.op is not Op.SELECT and not query.outcome:
            low.events[event].query = replace(query, outcome=outcome)


def _spelt(node: Node) -> Node | None:
    """The text or `format!(…)` that the local `node` was declared as, in a block around it."""
    step: Node | None = node
    while step is not None and step.type not in ("function_item", "closure_expression"):
        before = step.prev_named_sibling
        while before is not None and step.parent is not None and step.parent.type == "block":
            if before.type == "let_declaration" and field_text(before, "pattern") == text_of(node):
                value = before.child_by_field_name("value")
                if value is None or value.type in ("string_literal", "raw_string_literal"):
                    return value
                return value if field_text(value, "macro") in ("format", "concat") else None
            before = before.prev_named_sibling
        step = step.parent
    return None


def literal(low: Lowering, node: Node | None) -> str | None:
    """The text of a string expression: a literal, a constant, `&format!("…")`, `concat!`."""
    from deadheat.rust.db.sql import unescaped

    for _ in range(6):
        if node is None:
            return None
        kind = node.type
        if kind in ("string_literal", "raw_string_literal"):
            text = "".join(
                text_of(child) for child in node.named_children if child.type != "raw_string_marker"
            )
            return unescaped(text) if kind == "string_literal" else text
        if kind in ("reference_expression", "parenthesized_expression"):
            node = node.child_by_field_name("value") or next(significant(node), None)
        elif kind == "macro_invocation" and field_text(node, "macro").split("::")[-1] in ("format", "concat"):
            tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
            found = (
                [child for child in tokens.named_children if "string_literal" in child.type] if tokens else []
            )
            if field_text(node, "macro").endswith("concat"):
                return "".join(filter(None, (literal(low, one) for one in found)))
            node = found[0] if found else None
        elif kind == "call_expression":
            callee = node.child_by_field_name("function")
            if callee is None or callee.type != "field_expression":
                return None
            node = callee.child_by_field_name("value")
        elif kind in ("identifier", "scoped_identifier"):
            from deadheat.rust.items import segments

            static = low.types.statics.get(low.types.modules.resolve(low.module, segments(node)))
            if static is None:
                binding = low.lookup(text_of(node)) if kind == "identifier" else None
                key = binding.value.key if binding is not None else None
                if key is not None and len(key) > 1 and key[0] == key[-1] == '"':
                    return unescaped(key[1:-1])
                node = _spelt(node) if binding is not None else None
                continue
            node = static.node.child_by_field_name("value")
        else:
            return None
    return None


def executor(low: Lowering, node: Node | None) -> Value:
    """What a statement runs on: a connection, a pool, a transaction."""
    return evaluate(low, node)
