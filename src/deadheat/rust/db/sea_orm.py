"""sea-orm: entities, active models.

Owns `Entity::find()…`, `Column::X.eq(v)`, `active.update(db)`. The table is what the entity's module is
called (or its `table_name`); an active model made from a loaded model writes only the fields set since.
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, builder, chosen_by, execute, executor
from deadheat.rust.db.declared import primary_key, snake
from deadheat.rust.db.query import Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import STRUCTS, evaluate, key_of, value_of
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type, peel

_ENTITY = Type("[entity]")
_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "is_in": "in"}
_CONDITION = re.compile(r"Column::(\w+)\s*\.\s*(eq|ne|gt|gte|lt|lte|is_in|is_null|is_not_null)\s*\(")
_PASSING = frozenset(
    {"order_by_asc", "limit", "offset", "select_only", "column", "into_model", "into_tuple", "inner_join",
     "left_join", "distinct", "paginate", "find_also_related", "group_by", "into_json"}
)  # fmt: skip
METHODS = _PASSING | {
    "filter", "lock_exclusive", "lock", "lock_with_type", "order_by_desc", "on_conflict", "do_nothing",
    "on_conflict_do_nothing", "col_expr", "set", "one", "all", "count", "exec", "exec_with_returning",
    "exec_without_returning", "stream", "exists", "insert", "update", "save", "delete", "into_active_model",
}  # fmt: skip
_FINDERS = {"find": Op.SELECT, "find_by_id": Op.SELECT, "delete_by_id": Op.DELETE, "delete_many": Op.DELETE,
            "update_many": Op.UPDATE, "insert": Op.INSERT, "insert_many": Op.INSERT, "update": Op.UPDATE,
            "delete": Op.DELETE}  # fmt: skip


def table_of(low: Lowering, resolved: str) -> str | None:
    """The table of `entity::users::Entity` (or `::ActiveModel`, `::Model`)."""
    owner, _, last = resolved.rpartition("::")
    if last not in ("Entity", "ActiveModel", "Model") or not owner:
        return None
    item = low.types.items.get(f"{owner}::Model")
    for attribute in item.attributes if item is not None else ():
        found = re.search(r'table_name\s*=\s*"(\w+)"', text_of(attribute))
        if found is not None:
            return found.group(1)
    if item is not None or last == "Entity":
        return owner.rsplit("::", 1)[-1]
    return None


def _primary(low: Lowering, resolved: str) -> tuple[str, ...]:
    """The primary key of the entity that a path leads to."""
    item = low.types.items.get(f"{resolved.rpartition('::')[0]}::Model")
    return (primary_key(item.node.text or b"") if item is not None else ()) or ("id",)


def literal(low: Lowering, declared: Type | None, fields: list[tuple[str, Node, Value]]) -> Query | None:
    """`users::ActiveModel { id: Set(7), name: Set(name), ..Default::default() }`: what it will write."""
    table = table_of(low, declared.name) if declared is not None and declared.short == "ActiveModel" else None
    if table is None or declared is None:
        return None
    key = _primary(low, declared.name)
    columns: list[str] = []
    where: list[Condition] = []
    for name, node, value in fields:
        given = arguments(node) if node.type == "call_expression" else []
        how = field_text(node, "function").rsplit("::", 1)[-1]
        if how not in ("Set", "Unchanged") or not given:
            continue
        if name in key:
            where.append(Condition(name, "=", key_of(given[0], value)))
        elif how == "Set":
            columns.append(name)
    return Query(Op.TABLE, table, columns=tuple(columns), where=tuple(where))


def call(low: Lowering, node: Node, name: str, resolved: str) -> Value | None:
    """`Entity::find_by_id(id)` and its kin."""
    op = _FINDERS.get(name)
    if op is None:
        return None
    owner = resolved.rpartition("::")[0]
    table = table_of(low, owner)
    if table is None:
        return None
    listed = arguments(node)
    row = Type(f"{owner.rpartition('::')[0]}::Model")
    query = Query(op, table)
    if name in ("find_by_id", "delete_by_id") and listed:
        value = value_of(low, listed[0])
        key = _primary(low, owner)
        given = list(significant(listed[0])) if listed[0].type == "tuple_expression" else [listed[0]]
        names = [key_of(one, value if len(given) == 1 else evaluate(low, one)) for one in given]
        where = tuple(Condition(column, "=", name) for column, name in zip(key, names, strict=False))
        query = replace(query, where=where)
        return builder(query, NO_DEPS, value.deps, Type("[entity]", (row,)))
    if name in ("insert", "update", "delete") and listed:
        value = value_of(low, listed[0])
        return builder(query, value.deps, NO_DEPS, Type("[entity]", (row,)))
    return builder(query, type=Type("[entity]", (row,)))


def _conditions(low: Lowering, node: Node) -> tuple[tuple[Condition, ...], bool, Deps]:
    """Equalities of columns anywhere in a filter; `add` is a conjunction, `or` and `any` are not."""
    found: list[Condition] = []
    deps: Deps = NO_DEPS
    text = text_of(node)
    opaque = bool(re.search(r"\bany\(|\.or\(|\bnot\(", text))
    pending = [node]
    while pending:
        current = pending.pop()
        callee = current.child_by_field_name("function") if current.type == "call_expression" else None
        if callee is not None and callee.type == "field_expression":
            column = re.search(r"Column::(\w+)$", text_of(callee.child_by_field_name("value") or callee))
            method, listed = field_text(callee, "field"), arguments(current)
            if column is not None and method in _OPERATORS and listed:
                value = value_of(low, listed[0])
                deps |= value.deps
                operator = "~" if opaque else _OPERATORS[method]
                found.append(Condition(snake(column.group(1)), operator, key_of(listed[0], value)))
                continue
            if column is not None and method in ("is_null", "is_not_null"):
                operator = "~" if opaque else "=" if method == "is_null" else "<>"
                found.append(Condition(snake(column.group(1)), operator, "null"))
                continue
        pending += current.named_children
    return tuple(found), opaque or not found or _begins_elsewhere(node), deps


def _begins_elsewhere(node: Node) -> bool:
    """Whether a condition goes on from one in a variable: `filter(mine.and(Column::Slot.eq(3)))`."""
    base: Node | None = node
    while base is not None and base.type == "call_expression":
        callee = base.child_by_field_name("function")
        base = callee.child_by_field_name("value") if callee is not None else None
    return base is not None and base.type == "identifier"


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """A method of a select, of a statement or of an active model."""
    query = receiver.query
    listed = arguments(node)
    if query is None or receiver.type is None or receiver.type.short != "[entity]":
        return _active(low, node, receiver, name, listed)
    if name == "filter" and listed:
        where, opaque, deps = _conditions(low, listed[0])
        new = replace(query, where=query.where + where, opaque=query.opaque or opaque)
        return builder(new, receiver.deps, chosen_by(receiver) | deps, receiver.type)
    if name in ("lock_exclusive", "lock", "lock_with_type"):
        return replace(receiver, query=replace(query, locked=True))
    if name in ("order_by_desc",):
        return replace(receiver, query=replace(query, order="desc"))
    if name == "on_conflict" and listed:
        how = "update" if b"update" in (listed[0].text or b"") else "nothing"
        return replace(receiver, query=replace(query, conflict=how))
    if name in ("do_nothing", "on_conflict_do_nothing"):
        return replace(receiver, query=replace(query, conflict="nothing"))
    if name in ("col_expr", "set") and listed:
        return _assigned(low, receiver, query, listed)
    if name in (
        "one",
        "all",
        "count",
        "exec",
        "exec_with_returning",
        "exec_without_returning",
        "stream",
        "exists",
    ):
        aggregate = "count" if name == "count" else "exists" if name == "exists" else query.aggregate
        if name == "one" and query.order == "desc" and "id" not in query.fixed():
            aggregate = "last"
        row = receiver.type.args[0] if receiver.type.args else None
        if name == "one":
            result = Type("Result", (Type("Option", (row,)),))
        else:
            result = Type("Result", (Type("Vec", (row,)),)) if name == "all" else Type("Result", (None,))
        executors = [executor(low, one) for one in listed]
        query = replace(
            query, aggregate=aggregate, returning=name == "exec_with_returning", many=name == "all"
        )
        return execute(low, node, query, receiver.deps, chosen_by(receiver), executors, result)
    if name in _PASSING:
        more = "join" in name or "related" in name
        return replace(receiver, query=replace(query, others=True)) if more else receiver
    return None


def _assigned(low: Lowering, receiver: Value, query: Query, listed: list[Node]) -> Value:
    """`.col_expr(Column::Left, Expr::col(Column::Left).sub(1))`."""
    column = re.search(r"Column::(\w+)", text_of(listed[0]))
    value = value_of(low, listed[-1])
    if column is None:
        return replace(receiver, deps=receiver.deps | value.deps)
    name = snake(column.group(1))
    relative = query.relative
    if len(listed) > 1 and f"Column::{column.group(1)}" in text_of(listed[1]):
        relative += (name,)
    new = replace(query, columns=(*query.columns, name), relative=relative,
                  values=(*query.values, key_of(listed[-1], value)))  # fmt: skip
    return replace(receiver, query=new, deps=receiver.deps | value.deps)


def _active(low: Lowering, node: Node, receiver: Value, name: str, listed: list[Node]) -> Value | None:
    """`active.update(db)`: `save` inserts or updates, `insert` inserts."""
    declared = peel(receiver.type)
    if name == "into_active_model" and declared is not None and declared.short == "Model":
        active = Type(f"{declared.name.rpartition('::')[0]}::ActiveModel")
        return replace(receiver, type=active) if table_of(low, active.name) is not None else None
    if name not in ("insert", "update", "save", "delete") or len(listed) != 1:
        return None
    table = table_of(low, declared.name) if declared is not None else None
    if declared is None or table is None:
        return None
    op = {"insert": Op.INSERT, "delete": Op.DELETE}.get(name, Op.UPDATE)
    executors = [executor(low, listed[0])]
    model = Type(f"{declared.name.rpartition('::')[0]}::Model")
    made = receiver.query if receiver.query is not None and receiver.query.op is Op.TABLE else None
    written = (part[1:] for _, part in receiver.deps if part.startswith("=") and part[1:].isidentifier())
    columns = tuple(dict.fromkeys((*(made.columns if made is not None else ()), *written)))
    key = _primary(low, declared.name)
    where = tuple(Condition(one, "=", f"{receiver.key or 'model'}.{one}") for one in key)
    where = made.where if made is not None and made.where else where
    if op is Op.INSERT and made is not None:
        columns += tuple(one.column for one in made.where)
    query = Query(op, table, columns=columns, where=where, returning=True)
    return execute(
        low,
        node,
        query,
        receiver.deps,
        receiver.deps,
        executors,
        Type("Result", (model,)),
        f"ActiveModel::{name}",
    )


STRUCTS.append(literal)

__all__ = ["call", "evaluate", "literal", "method", "significant", "snake", "table_of"]
