"""SQL in strings: sqlx, rusqlite, tokio-postgres, diesel's `sql_query`, sea-orm's `Statement`.

Owns the binding of values to placeholders, in whichever of the three ways: a builder's `.bind(x)`, a macro's
arguments, a parameter list next to the text. Any method whose first argument is a string
that is a statement counts as running it: the clients differ in little else.
"""

from collections.abc import Sequence

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import (
    arguments,
    execute,
    executor,
    literal,
    queried,
    started,
    turbofish,
)
from deadheat.rust.db.held import note_end, note_unknown
from deadheat.rust.db.query import Condition, Op, Query
from deadheat.rust.db.sql import looks_like_sql, statements
from deadheat.rust.ir import NO_DEPS, NOTHING, Deps, Kind, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import evaluate, key_of, value_of
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type, peel

_BUILDERS = frozenset(
    {"query", "query_as", "query_scalar", "query_with", "query_as_with", "sql_query", "raw_sql",
     "query_scalar_with"}
)  # fmt: skip
_MACROS = frozenset({"query", "query_as", "query_scalar", "query_unchecked", "query_as_unchecked",
                     "query_scalar_unchecked"})  # fmt: skip
RUNS = frozenset(
    {"execute", "fetch_one", "fetch_optional", "fetch_all", "fetch", "fetch_many", "execute_many", "load",
     "get_result", "get_results", "first", "one", "all", "exec"}
)  # fmt: skip
DIRECT = frozenset(
    {"execute", "query_row", "query_one", "query_opt", "query", "query_map", "query_and_then",
     "execute_batch", "batch_execute", "query_typed", "query_scalar", "query_raw", "prepare",
     "prepare_cached", "query_row_and_then", "simple_query", "execute_unprepared", "query_iter",
     "query_first", "query_drop", "exec_first", "exec_drop", "exec", "exec_iter", "fetch_one",
     "fetch_optional", "fetch_all", "fetch"}
)  # fmt: skip
PASSING = frozenset(
    {"build", "build_query_as", "build_query_scalar", "persistent", "push", "push_values", "map", "try_map",
     "separated"}
)  # fmt: skip
_STATEMENT = Type("[statement]")


# ---------------------------------------------------------------------- builders


def call(low: Lowering, node: Node, name: str, resolved: str) -> Value | None:
    """`sqlx::query("…")` and its kin."""
    if name in _BUILDERS:
        listed = arguments(node)
        text = literal(low, listed[0] if listed else None)
        found = statements(text) if text is not None else ()
        if not found and ("sqlx" in resolved or name == "sql_query"):
            found = (Query(Op.OTHER, ""),)  # made at run time, or in words that cannot be read
        if not found:
            return None
        row = turbofish(low, node, -1) if "_as" in name or name == "query_scalar" else None
        query = _scalar(found[0]) if "scalar" in name else found[0]
        value = Value(Type("[sql]", (row,)), query=query)
        for one in listed[1:]:  # query_with(text, args)
            value = _bound(value, value_of(low, one), one)
        return value
    if name == "new" and resolved.endswith("QueryBuilder::new"):
        listed = arguments(node)
        text = literal(low, listed[0] if listed else None)
        found = statements(f"{text} dh = 1") or statements(text or "") or statements(f"{text} (1)")
        return Value(Type("[sql]"), query=replace(found[0], opaque=True)) if found else None
    if name in ("from_sql_and_values", "from_string"):
        listed = arguments(node)
        text = literal(low, listed[1] if len(listed) > 1 else None)
        found = statements(text) if text is not None else ()
        if found:
            value = Value(Type("[sql]"), query=found[0])
            for one in _flat(listed[2:]):
                value = _bound(value, value_of(low, one), one)
            return value
    return None


def macro(low: Lowering, name: str, values: list[tuple[Node, Value]], row: Type | None) -> Value | None:
    """`query!("…", a, b)`: `values` are its arguments, the text included."""
    if name not in _MACROS:
        return None
    for index, (one, _) in enumerate(values):
        text = literal(low, one)
        found = statements(text) if text is not None else ()
        if found:
            query = _scalar(found[0]) if "scalar" in name else found[0]
            value = Value(Type("[sql]", (row,)), query=query)
            for bound_node, bound in values[index + 1 :]:
                value = _bound(value, bound, bound_node)
            return value
    return None


def _scalar(query: Query) -> Query:
    if query.op is Op.SELECT and not query.aggregate and len(query.columns) == 1:
        return replace(query, aggregate="scalar")
    return query


def _bound(value: Value, bound: Value, node: Node) -> Value:
    return replace(value, parts=(*value.parts, Value(deps=bound.deps, key=key_of(node, bound))))


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """A method of a statement built from text, of a row, or of whatever runs text."""
    listed = arguments(node)
    query = receiver.query
    if query is not None and receiver.type is not None and receiver.type.short == "[sql]":
        if name in ("bind", "push_bind"):
            return _bound(receiver, value_of(low, listed[-1]), listed[-1]) if listed else receiver
        if name in RUNS:
            return _run(low, node, receiver, name, [executor(low, one) for one in listed])
        if name in PASSING:
            for one in listed:
                evaluate(low, one)
            return receiver
        return None
    if query is not None and receiver.type is not None and receiver.type.short == "[statement]":
        return _prepared(low, node, receiver, name, listed)
    if name in RUNS and len(listed) == 1:  # `tx.execute(query)`
        given = listed[0]
        if given.type in ("identifier", "call_expression", "macro_invocation"):
            binding = low.lookup(text_of(given)) if given.type == "identifier" else None
            if (binding is not None and binding.value.query is not None) or (
                given.type != "identifier" and b"query" in (given.text or b"")[:4000]
            ):
                value = evaluate(low, given)
                if value.query is not None and value.query.op is not Op.TABLE:
                    return _run(low, node, value, name, [receiver])
                return Value(deps=value.deps)
    if name in DIRECT and listed:
        return _direct(low, node, receiver, name, listed)
    return None


def _run(low: Lowering, node: Node, value: Value, name: str, executors: list[Value]) -> Value:
    query = value.query
    if query is None:
        return NOTHING
    row = value.type.args[0] if value.type is not None and value.type.args else None
    query, deps, selects = bind(query, [(one.key, one.deps) for one in value.parts])
    if name in ("fetch_all", "fetch", "load", "get_results", "all"):
        query = replace(query, many=True)
    if query.op is not Op.SELECT and name not in ("execute", "exec"):
        query = replace(query, returning=True)
    if any(_is_pool(one) for one in executors):
        query = replace(query, pooled=True)
    return execute(low, node, query, deps, selects, executors, _result(name, row))


def _is_pool(value: Value) -> bool:
    inner = peel(value.type)
    return inner is not None and ("Pool" in inner.short or inner.short in ("Db", "Database"))


_CONNECTIONS = frozenset(
    {"Connection", "Transaction", "Client", "Pool", "PgConnection", "SqliteConnection", "MySqlConnection",
     "PgPool", "SqlitePool", "MySqlPool", "PooledConnection", "PoolConnection", "DatabaseConnection",
     "DatabaseTransaction", "Savepoint"}
)  # fmt: skip


def _is_connection(value: Value) -> bool:
    inner = peel(value.type)
    return inner is not None and inner.short in _CONNECTIONS


def _result(name: str, row: Type | None) -> Type | None:
    if name in ("fetch_all", "load", "get_results", "all"):
        return Type("Result", (Type("Vec", (row,)),))
    if name in ("fetch_optional", "query_opt"):
        return Type("Result", (Type("Option", (row,)),))
    return Type("Result", (row,))


def bind(query: Query, values: Sequence[tuple[str | None, Deps]]) -> tuple[Query, Deps, Deps]:
    """Placeholders replaced by the values' names; what flows into the rows, and what chooses them."""
    deps: Deps = NO_DEPS
    selects: Deps = NO_DEPS
    used: set[int] = set()

    def named(key: str | None) -> tuple[str | None, Deps]:
        if key is None or key[:1] not in "?:" or len(key) < 2:
            return key, NO_DEPS
        if not key[1:].isdigit():
            wanted = key.lstrip(":")
            for number, (name, flow) in enumerate(values):
                if name is not None and name.rsplit(".", 1)[-1] == wanted:
                    used.add(number)
                    return name, flow
            return wanted, NO_DEPS
        number = int(key[1:])
        if number >= len(values):
            return None, NO_DEPS
        used.add(number)
        return values[number]

    where: list[Condition] = []
    for one in query.where:
        key, flow = named(one.key)
        selects |= flow
        where.append(Condition(one.column, one.operator, key))
    written: list[str | None] = []
    for value in query.values:
        key, flow = named(value)
        deps |= flow
        written.append(key)
    for number, (_, flow) in enumerate(values):
        if number not in used:
            if query.op in (Op.SELECT, Op.DELETE):
                selects |= flow
            else:
                deps |= flow
    return replace(query, where=tuple(where), values=tuple(written)), deps, selects


# ---------------------------------------------------------------------- text and parameters in one call


def _direct(low: Lowering, node: Node, receiver: Value, name: str, listed: list[Node]) -> Value | None:
    text = literal(low, listed[0])
    if text is None or not looks_like_sql(text):
        if _is_connection(receiver) and not name.startswith("prepare"):
            note_unknown(low, node, name, [receiver])
        return None
    found = statements(text)
    if not found:
        upper = text.lstrip()[:9].upper()
        if upper.startswith(("COMMIT", "END", "ROLLBACK")):
            note_end(low, node, upper.split()[0].strip(" ;"))
            if low.transactions:
                low.release([low.transactions.pop()], node)
        elif not upper.startswith("PRAGMA"):
            note_unknown(low, node, name, [receiver])
        return Value(deps=NO_DEPS) if not looks_like_sql(text) else NOTHING
    if found[0].op is Op.BEGIN:
        value = started(low, node, found[0].isolation)
        low.claim(value)
        low.transactions.append(value.guards[0])
        return NOTHING
    if name.startswith("prepare"):
        return Value(_STATEMENT, None, receiver.guards, query=found[0])
    closures = [one for one in listed[1:] if one.type == "closure_expression"]
    values = [
        (key_of(one, value := value_of(low, one)), value.deps)
        for one in _flat([one for one in listed[1:] if one.type != "closure_expression"])
    ]
    result = NOTHING
    for query in found:
        query, deps, selects = bind(query, values)
        if query.op is not Op.SELECT and not name.startswith(("execute", "batch", "exec_drop")):
            query = replace(query, returning=True)
        if _is_pool(receiver):
            query = replace(query, pooled=True)
        result = execute(low, node, query, deps, selects, [receiver], _direct_type(name))
    for one in closures:
        inner = run_closure(low, one, (Value(deps=result.deps),))
        result = Value(Type("Result", (inner.type,)), deps=result.deps | inner.deps)
    return result


def _direct_type(name: str) -> Type | None:
    if name == "query_opt":
        return Type("Result", (Type("Option", (None,)),))
    return Type("Result", (None,))


def _prepared(low: Lowering, node: Node, receiver: Value, name: str, listed: list[Node]) -> Value | None:
    if name not in DIRECT and name not in ("exists", "insert", "raw_query", "query"):
        return None
    closures = [one for one in listed if one.type == "closure_expression"]
    values = [
        (key_of(one, value := value_of(low, one)), value.deps)
        for one in _flat([one for one in listed if one.type != "closure_expression"])
    ]
    query = receiver.query
    if query is None:
        return None
    query, deps, selects = bind(query, values)
    if name == "exists":
        query = replace(query, aggregate="exists")
    result = execute(low, node, query, deps, selects, [receiver], _direct_type(name))
    for one in closures:
        inner = run_closure(low, one, (Value(deps=result.deps),))
        result = Value(Type("Result", (inner.type,)), deps=result.deps | inner.deps)
    return result


def _flat(nodes: list[Node]) -> list[Node]:
    """The single values of a parameter list: `params![a, b]`, `[a, b]`, `(a, b)`, `&[&a, &b]`."""
    found: list[Node] = []
    for node in nodes:
        inner: Node | None = node
        while inner is not None and inner.type in ("reference_expression", "parenthesized_expression"):
            inner = inner.child_by_field_name("value") or next(significant(inner), None)
        if inner is None:
            continue
        if inner.type in ("array_expression", "tuple_expression"):
            found += list(significant(inner))
        elif inner.type == "macro_invocation" and field_text(inner, "macro").split("::")[-1] in (
            "params", "vec", "named_params", "params_from_iter",
        ):  # fmt: skip
            found += _tokens(inner)
        elif inner.type == "unit_expression":
            continue
        else:
            found.append(inner)
    return found


def _tokens(node: Node) -> list[Node]:
    """`params![name, code]`: each argument, as far as it is one token; else the macro itself."""
    tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
    if tokens is None:
        return []
    groups: list[list[Node]] = [[]]
    for child in tokens.children[1:-1]:
        if child.type == ",":
            groups.append([])
        else:
            groups[-1].append(child)
    singles = [next((n for n in group if n.type in ("identifier", "self") or "literal" in n.type), None)
               for group in groups if group]  # fmt: skip
    return [one if one is not None and len(group) <= 2 else node
            for one, group in zip(singles, [g for g in groups if g], strict=True)]  # fmt: skip


def row_value(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """`row.get("used")`: that column of what the query read."""
    if name not in ("get", "try_get", "get_unwrap", "get_ref", "try_get_by_index", "take", "get_opt"):
        return None
    listed = arguments(node)
    if len(listed) not in (1, 2) or not queried(low, receiver, (Op.SELECT, Op.INSERT, Op.UPDATE, Op.DELETE)):
        return None
    text = text_of(listed[-1]).strip('"&')
    deps: set[tuple[int, str]] = set()
    for event, part in receiver.deps:
        query = low.events[event].query if event >= 0 else None
        column = text
        if query is not None and text.isdigit():
            column = (
                query.columns[int(text)] if int(text) < len(query.columns) and not query.aggregate else ""
            )
        fits = query is not None and column.isidentifier()
        deps.add((event, f"{part}.{column}" if fits and part else column if fits else part))
    return Value(turbofish(low, node, -1), deps=frozenset(deps))


__all__ = ["Kind", "bind", "call", "macro", "method", "row_value"]
