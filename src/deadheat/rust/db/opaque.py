"""Data access that no code here spells out: `User::find_one(filter, &db)`, `user.update(changes, &db)`.

Owns the reading of verbs. A derive or a library's trait may give one of our types its queries; their
bodies are nowhere to be read, but a CRUD verb of a type of ours that is handed a database says what happens.
What cannot be told stays open: which rows, which columns. It must not know any library.
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, execute
from deadheat.rust.db.declared import snake
from deadheat.rust.db.query import DOCUMENT, ROW, Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import key_of, value_of
from deadheat.rust.syntax import text_of
from deadheat.rust.types import Type, argument, peel

_ONE = frozenset({"find_one", "find_by_id", "get", "get_one", "get_by_id", "fetch_one", "fetch_optional",
                  "first", "by_id", "find_unique", "find_first", "select_one"})  # fmt: skip
_MANY = frozenset({"find", "find_all", "find_many", "query", "fetch", "fetch_all", "select", "all", "load",
                   "list", "get_all", "select_all"})  # fmt: skip
_ASKS = {"count": "count", "exists": "exists"}
WRITES = {"insert": Op.INSERT, "create": Op.INSERT, "insert_one": Op.INSERT, "save": Op.UPDATE,
           "update": Op.UPDATE, "upsert": Op.UPDATE, "replace": Op.UPDATE, "delete": Op.DELETE,
           "remove": Op.DELETE}  # fmt: skip
_BY = re.compile(r"^(?:find|get|select|fetch|load)(?:_one)?_by_(\w+)$")
_HANDLES = frozenset(
    {"Database", "Client", "Pool", "PgPool", "SqlitePool", "MySqlPool", "DatabaseConnection", "PgConnection",
     "SqliteConnection", "MySqlConnection", "Connection", "Transaction", "DatabaseTransaction", "RBatis",
     "Surreal", "PooledConnection", "PoolConnection", "Session", "ClientSession"}
)  # fmt: skip
_NAMED = re.compile(r"\b(?:db|database|pool|conn|connection|txn|tx|executor|rb|session|mongo)\b|\bdatabase\(")

_NAMES = _ONE | _MANY | set(_ASKS) | set(WRITES)


def named(name: str) -> bool:
    """Whether a function's name is a verb of data access."""
    return name in _NAMES or _BY.match(name) is not None


def call(low: Lowering, node: Node, name: str, resolved: str) -> Value | None:
    """`User::find_one(filter, &db)`."""
    owner = resolved.rpartition("::")[0]
    if owner not in low.types.items or not named(name):
        return None
    return _access(low, node, Type(owner), name, Value())


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """`user.update(changes, &db)`: only verbs that change something have a row to be called on."""
    declared = peel(receiver.type)
    while declared is not None and declared.short in ("Option", "Result"):
        declared = peel(argument(declared))  # what gave it may have given it bare
    if declared is None or name not in WRITES or declared.name not in low.types.items:
        return None
    if receiver.query is not None or low.types.method(receiver.type, name) is not None:
        return None
    return _access(low, node, declared, name, receiver)


def _access(low: Lowering, node: Node, row: Type, name: str, receiver: Value) -> Value | None:
    if not low.types.fields(row):
        return None
    listed = arguments(node)
    if not any(_NAMED.search(text_of(one)) for one in listed):
        return None
    values = [(one, value_of(low, _plain(one))) for one in listed]
    given = [(one, value) for one, value in values if not _is_handle(one, value)]
    if len(given) == len(values):
        return None
    said = next((value.query for _, value in given if _is_document(value)), None)
    store = ROW if said is None and not _mongo(low) else DOCUMENT
    deps: Deps = NO_DEPS
    for _, value in given:
        deps |= value.deps
    table, fields = snake(row.short), tuple(low.types.fields(row))
    op = WRITES.get(name, Op.SELECT)
    executors = [value for one, value in values if _is_handle(one, value)]
    if op is Op.SELECT:
        where, opaque = _chosen(name, given, said)
        query = Query(
            op, table, store, where=where, opaque=opaque, aggregate=_ASKS.get(name, ""), many=name in _MANY
        )
        inside = Type("Vec", (row,)) if name in _MANY else Type("Option", (row,))
        return execute(
            low, node, query, NO_DEPS, deps, executors, Type("Result", (inside,)), f"{row.short}::{name}"
        )
    if op is Op.INSERT:
        query = Query(op, table, store, columns=fields)
        result = Type("Result", (None,))
        return execute(
            low, node, query, receiver.deps | deps, NO_DEPS, executors, result, f"{row.short}::{name}"
        )
    key = (Condition("id", "=", f"{receiver.key or 'row'}.id"),)
    query = Query(op, table, store, where=key, conflict="update" if name == "upsert" else "")
    if op is Op.UPDATE and said is not None and said.columns:
        query = replace(query, columns=said.columns, relative=said.relative)
    elif op is Op.UPDATE:
        query = replace(query, columns=fields, whole=True)
        deps |= receiver.deps
    return execute(
        low, node, query, deps, receiver.deps, executors, Type("Result", (None,)), f"{row.short}::{name}"
    )


def _is_handle(node: Node, value: Value) -> bool:
    inner = peel(value.type)
    if inner is not None and inner.short in _HANDLES:
        return True
    return _NAMED.search(text_of(node)) is not None and not _is_document(value)


def _plain(node: Node) -> Node:
    """What is turned into something else by `.into()`: a document into an update."""
    callee = node.child_by_field_name("function") if node.type == "call_expression" else None
    inner = callee.child_by_field_name("value") if callee is not None else None
    return inner if inner is not None and text_of(node).endswith(".into()") else node


def _is_document(value: Value) -> bool:
    return value.query is not None and value.query.store == DOCUMENT and not value.query.table


def _mongo(low: Lowering) -> bool:
    return any(target and target[0] in ("mongodb", "bson") for target in low.module.uses.values())


def _chosen(
    name: str, given: list[tuple[Node, Value]], said: Query | None
) -> tuple[tuple[Condition, ...], bool]:
    if said is not None:
        return said.where, said.opaque
    by = _BY.match(name)
    if by is not None and given:
        columns = by[1].split("_and_")
        pairs = zip(columns, given, strict=False)
        return tuple(Condition(column, "=", key_of(*one)) for column, one in pairs), False
    return (), bool(given)
