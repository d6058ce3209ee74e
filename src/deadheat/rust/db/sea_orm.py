"""sea-orm: entities, active models.

Owns `Entity::find()…`, `Column::X.eq(v)`, `active.update(db)`. The table is what the entity's module is
called (or its `table_name`); an active model made from a loaded model writes only the fields set since.
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, builder, chosen_by, execute, executor
from deadheat.rust.db.query import Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import evaluate, key_of, value_of
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
    "exec_without_returning", "stream", "exists", "insert", "update", "save", "delete",
}  # fmt: skip
_FINDERS = {"find": Op.SELECT, "find_by_id": Op.SELECT, "delete_by_id": Op.DELETE, "delete_many": Op.DELETE,
            "update_many": Op.UPDATE, "insert": Op.INSERT, "insert_many": Op.INSERT, "update": Op.UPDATE,
            "delete": Op.DELETE}  # fmt: skip


def snake(name: str) -> str:
    """`UserId` as `user_id`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


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
        query = replace(query, where=(Condition("id", "=", key_of(listed[0], value)),))
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
    return tuple(found), opaque or not found, deps


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
    if name not in ("insert", "update", "save", "delete") or len(listed) != 1:
        return None
    declared = peel(receiver.type)
    table = table_of(low, declared.name) if declared is not None else None
    if declared is None or table is None:
        return None
    op = {"insert": Op.INSERT, "delete": Op.DELETE}.get(name, Op.UPDATE)
    executors = [executor(low, listed[0])]
    model = Type(f"{declared.name.rpartition('::')[0]}::Model")
    columns = tuple(dict.fromkeys(part[1:] for _, part in receiver.deps if part.startswith("=")))
    query = Query(op, table, columns=columns, where=(Condition("id", "=", f"{receiver.key or 'model'}.id"),),
                  returning=True)  # fmt: skip
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


__all__ = ["call", "evaluate", "method", "significant", "snake", "table_of"]
