"""Diesel (and its async kin): query builders, changesets, transactions.

Owns the meaning of `users::table.filter(…).first(conn)`, `insert_into`, `update`, `delete`,
`select(exists(…))`, `save_changes`. What its arguments say is `diesel_terms`' business.
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, builder, chosen_by, execute, executor, turbofish
from deadheat.rust.db.declared import snake
from deadheat.rust.db.diesel_terms import Assigned, column_of, conditions
from deadheat.rust.db.query import Condition, Op, Query
from deadheat.rust.db.schema import Table
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import evaluate, key_of, value_of
from deadheat.rust.syntax import significant, text_of
from deadheat.rust.types import Type, peel

_MANY = frozenset(
    {"load", "get_results", "load_iter", "load_stream", "load_and_count", "load_and_count_pages"}
)
_ONE = frozenset({"first", "get_result"})
_KEEP = frozenset(
    {"into_boxed", "distinct", "offset", "group_by", "having", "inner_join", "left_join", "left_outer_join",
     "as_query", "no_wait", "skip_locked", "distinct_on", "order_by", "order", "then_order_by", "limit",
     "on_constraint", "into_owned", "assume_not_null", "nullable"}
)  # fmt: skip
_ENTITY = re.compile(r"\b(?:Identifiable|Insertable|AsChangeset)\b")
TABLES = (Op.TABLE, Op.SELECT, Op.INSERT, Op.UPDATE, Op.DELETE)


def call(low: Lowering, node: Node, name: str, before: str) -> Value | None:
    """`insert_into(…)`, `update(…)`, `delete(…)`, `select(exists(…))`."""
    listed = arguments(node)
    if not listed:
        return None
    if name in ("insert_into", "replace_into", "insert_or_ignore_into", "insert_into_table"):
        target = evaluate(low, listed[0])
        if target.query is None:
            return None
        how = {"replace_into": "replace", "insert_or_ignore_into": "ignore"}.get(name, "")
        return builder(Query(Op.INSERT, target.query.table, conflict=how))
    if name in ("update", "delete") and before in ("", "diesel"):
        target = evaluate(low, listed[0])
        op = Op.UPDATE if name == "update" else Op.DELETE
        if target.query is not None and target.query.op in (Op.TABLE, Op.SELECT):
            query = replace(target.query, op=op, columns=())
            return builder(query, selects=chosen_by(target))
        table = entity_table(low, target.type)
        if table is not None and before == "diesel":
            return builder(_of_entity(low, op, table, listed[0]), selects=target.deps)
        return None
    if name in ("select", "exists", "not") and before in ("", "diesel", "dsl"):
        if name == "select" and re.search(rb"last_insert|lastval", listed[0].text or b""):
            return builder(Query(Op.SELECT, "", aggregate="last"))
        inner = evaluate(low, listed[0])
        if inner.query is None:
            return None
        if name == "exists":
            return replace(inner, query=replace(inner.query, op=Op.SELECT, aggregate="exists"))
        return inner if inner.query.op in (Op.TABLE, Op.SELECT) else None
    return None


def entity_table(low: Lowering, declared: Type | None) -> Table | None:
    """The table of one of our structs: by its `table_name` attribute, else by its name, as Diesel does."""
    inner = peel(declared)
    item = low.types.items.get(inner.name) if inner is not None else None
    texts = [text_of(attribute) for attribute in item.attributes] if item is not None else []
    for text in texts:
        if "table_name" in text:
            name = text.split("table_name", 1)[1].strip(' =")(').split(")")[0].split(",")[0].strip('" ')
            return low.types.tables.get(name.rsplit("::", 1)[-1])
    if inner is not None and any(text.startswith("derive") and _ENTITY.search(text) for text in texts):
        return low.types.tables.get(f"{snake(inner.short)}s")
    return None


def _of_entity(low: Lowering, op: Op, table: Table, node: Node) -> Query:
    text = key_of(node, Value())
    return Query(op, table.name, where=tuple(Condition(one, "=", f"{text}.{one}") for one in table.primary))


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """A method of a table, a statement, or an entity that knows its table."""
    query = receiver.query
    if query is None or query.op not in TABLES:
        if name == "save_changes" and entity_table(low, receiver.type) is not None:
            return _save_changes(low, node, receiver)
        return None
    plain = name.removesuffix("_async")
    listed = arguments(node)
    if query.op is Op.TABLE and plain != "into_boxed":
        query = replace(query, op=Op.SELECT)
    if plain in _MANY or plain in _ONE or plain in ("execute", "save_changes"):
        return _run(low, node, receiver, query, plain, pooled=plain != name)
    first = listed[0] if listed else None
    if plain in ("filter", "or_filter", "find"):
        return _filtered(low, receiver, query, plain, first)
    if plain in ("set", "values", "default_values"):
        return _written(low, receiver, query, plain, first)
    changed = _clause(low, query, plain, first)
    if changed is None and plain in _KEEP:
        for one in listed:
            if one.type not in ("identifier", "scoped_identifier"):
                evaluate(low, one)
        changed = query
    if changed is None:
        return None
    row = _selected_row(low, first) if plain in ("select", "returning") else None
    return replace(receiver, query=changed, type=row or receiver.type)


def _selected_row(low: Lowering, node: Node | None) -> Type | None:
    """The struct of ours that a row becomes (`User::as_select()`)."""
    named = (
        re.fullmatch(r"([\w:]+)::as_(?:select|returning)\(\)", text_of(node)) if node is not None else None
    )
    if named is None:
        return None
    if named[1] == "Self":
        return low.self_type
    resolved = low.types.modules.resolve(low.module, tuple(named[1].split("::")))
    return Type(resolved) if resolved in low.types.items else None


def _written(low: Lowering, receiver: Value, query: Query, name: str, node: Node | None) -> Value:
    assigned = Assigned().read(low, node)
    if query.op is Op.INSERT and query.conflict == "update" and name == "set":
        return replace(receiver, deps=receiver.deps | assigned.deps)
    return builder(assigned.into(query), receiver.deps | assigned.deps, chosen_by(receiver))


_FLAGS: dict[str, dict[str, object]] = {
    "count": {"aggregate": "count"},
    "for_update": {"locked": True},
    "returning": {"returning": True},
    "on_conflict": {"conflict": "nothing"},
    "on_conflict_do_nothing": {"conflict": "nothing"},
    "do_nothing": {"conflict": "nothing"},
    "do_update": {"conflict": "update"},
}


def _clause(low: Lowering, query: Query, name: str, node: Node | None) -> Query | None:
    """A clause that changes the statement and brings no values."""
    if name in _FLAGS:
        return replace(query, **_FLAGS[name])
    if name == "select":
        return _selected(low, query, node)
    if name in ("order", "order_by", "then_order_by") and node is not None:
        return replace(query, order="desc" if b".desc()" in (node.text or b"") else query.order)
    if name == "limit":
        newest = node is not None and node.text == b"1" and query.order == "desc"
        aggregate = "last" if newest and query.aggregate in ("", "scalar") else query.aggregate
        return replace(query, limited=True, aggregate=aggregate)
    if name in ("inner_join", "left_join", "left_outer_join") and node is not None:
        other = evaluate(low, node)
        if other.query is not None and other.query.table != query.table:
            return replace(query, joined=(*query.joined, other.query.table))
        return query
    return None


def _filtered(low: Lowering, receiver: Value, query: Query, name: str, node: Node | None) -> Value:
    if name == "find":
        primary = low.types.tables[query.table].primary if query.table in low.types.tables else ("id",)
        listed = list(significant(node)) if node is not None and node.type == "tuple_expression" else [node]
        where: tuple[Condition, ...] = ()
        deps: Deps = NO_DEPS
        for column, one in zip(primary, listed, strict=False):
            value = value_of(low, one)
            deps |= value.deps
            where += (Condition(column, "=", key_of(one, value) if one is not None else None),)
        opaque = False
    else:
        where, opaque, deps = conditions(low, node)
        if name == "or_filter":
            where, opaque = tuple(Condition(one.column, "~") for one in where), True
    new = replace(query, where=query.where + where, opaque=query.opaque or opaque)
    return builder(new, receiver.deps, chosen_by(receiver) | deps, receiver.type)


def _selected(low: Lowering, query: Query, node: Node | None) -> Query:
    text = (node.text or b"").decode("utf-8", "replace") if node is not None else ""
    for word, name in (
        ("count_star", "count"),
        ("count(", "count"),
        ("max(", "max"),
        ("min(", "min"),
        ("sum(", "sum"),
    ):
        if word in text:
            column = column_of(low, node)
            return replace(query, aggregate=name, columns=(column,) if column else ())
    nodes = list(significant(node)) if node is not None and node.type == "tuple_expression" else [node]
    columns = [column for one in nodes if (column := column_of(low, one)) is not None]
    if len(columns) == 1 and not query.aggregate:
        return replace(query, columns=tuple(columns), aggregate="scalar")
    return replace(query, columns=tuple(columns))


def _run(low: Lowering, node: Node, receiver: Value, query: Query, name: str, *, pooled: bool) -> Value:
    executors = [executor(low, one) for one in arguments(node)]
    row = turbofish(low, node) or (low.self_type if b"<Self>" in (node.text or b"")[-120:] else None)
    if row is None and receiver.type is not None and receiver.type.name in low.types.items:
        row = receiver.type
    if (
        name == "first"
        and query.order == "desc"
        and query.aggregate in ("", "scalar")
        and not _by_key(low, query)
    ):
        query = replace(query, aggregate="last")
    if query.op is not Op.SELECT and name != "execute":
        query = replace(query, returning=True)
    if pooled:
        query = replace(query, pooled=True)
    if query.opaque:
        query = replace(query, others=True)  # a condition that is not read may ask another table
    if name in _MANY:
        query = replace(query, many=True)
        result: Type | None = Type("Result", (Type("Vec", (row,)),))
    elif name == "execute":
        result = Type("Result", (Type("usize"),))
    else:
        result = Type("Result", (row,)) if row is not None else None
    return execute(low, node, query, receiver.deps, chosen_by(receiver), executors, result)


def _by_key(low: Lowering, query: Query) -> bool:
    table = low.types.tables.get(query.table)
    return table is not None and table.is_unique(query.fixed())


def _save_changes(low: Lowering, node: Node, receiver: Value) -> Value:
    table = entity_table(low, receiver.type)
    executors = [executor(low, one) for one in arguments(node)]
    name = table.name if table is not None else ""
    fields = tuple(low.types.fields(peel(receiver.type)))
    primary = table.primary if table is not None else ()
    query = Query(
        Op.UPDATE, name, columns=tuple(one for one in fields if one not in primary), whole=True,
        where=tuple(Condition(one, "=", f"{receiver.key or 'row'}.{one}") for one in primary), returning=True,
    )  # fmt: skip
    return execute(
        low,
        node,
        query,
        receiver.deps,
        receiver.deps,
        executors,
        Type("Result", (receiver.type,)),
        "save_changes",
    )
