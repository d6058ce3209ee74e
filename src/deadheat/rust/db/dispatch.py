"""Asked for every path, call, method and macro: is it a database's?

Owns the order in which the libraries are asked, transactions as methods and closures, and the rows
of what was read. None means: not a database's business.
"""

from tree_sitter import Node

from deadheat.rust.db import diesel, diesel_terms, mongodb, opaque, redis, sea_orm, sled, sqlx
from deadheat.rust.db.access import TRANSACTION, arguments, begin, note_outcome, queried, started
from deadheat.rust.db.held import note_closure, note_end, note_worker
from deadheat.rust.db.query import ROW
from deadheat.rust.ir import Value, existence
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.expressions import PATHS, value_of
from deadheat.rust.types import Type, peel

_SQL = frozenset({"query", "query_as", "query_scalar", "query_unchecked", "query_as_unchecked"})
_ASKING = frozenset({"is_ok", "is_err", "is_some", "is_none"})
_RUNNERS = frozenset({"run", "interact", "call", "with_conn", "run_async", "call_unwrap"})
_WORKERS = frozenset({"run", "interact", "call", "call_unwrap"})  # on another thread
_TRANSACTIONS = {
    "transaction": "", "immediate_transaction": "immediate", "exclusive_transaction": "exclusive",
    "transaction_with_config": "", "test_transaction": "", "transaction_async": "",
}  # fmt: skip
_BEGINS = frozenset(
    {"begin", "begin_with", "begin_with_config", "begin_immediate", "transaction_with_behavior",
     "build_transaction", "serializable"}
)  # fmt: skip


def path(low: Lowering, written: tuple[str, ...], resolved: str) -> Value | None:
    """A path used as a value: a table, a column."""
    if not low.types.tables:
        return None
    return diesel_terms.path(low, written, resolved)


def call(low: Lowering, node: Node, written: tuple[str, ...]) -> Value | None:
    """A call by path of something that is not ours."""
    name = written[-1]
    if name not in _CALLS and not opaque.named(name):
        return None
    resolved = low.types.modules.resolve(low.module, written)
    before = resolved.split("::")[-2] if "::" in resolved else ""
    return (
        diesel.call(low, node, name, before)
        or sqlx.call(low, node, name, resolved)
        or sea_orm.call(low, node, name, resolved)
        or redis.call(low, node, name, resolved)
        or opaque.call(low, node, name, resolved)
    )


_CALLS = frozenset(
    {"insert_into", "replace_into", "insert_or_ignore_into", "update", "delete", "select", "exists", "not",
     "query", "query_as", "query_scalar", "query_with", "query_as_with", "sql_query", "raw_sql", "new",
     "cmd", "query_scalar_with", "from_sql_and_values", "from_string", "find", "find_by_id", "delete_by_id",
     "delete_many", "update_many", "insert", "insert_many"}
)  # fmt: skip


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """`receiver.name(…)`, before anything else is tried."""
    if receiver.query is not None:
        short = receiver.type.short if receiver.type is not None else "[table]"
        rows = short == "[table]" or not (short.startswith("[") or short == "ActiveModel")
        if receiver.query.store == ROW and rows:
            built = diesel.method(low, node, receiver, name)
            if built is not None:
                return built
        return _other(low, node, receiver, name)
    if name in _ASKING and receiver.deps and queried(low, receiver):
        return Value(Type("bool"), deps=existence(receiver.deps))
    if name in ("unwrap", "expect") and receiver.deps:
        note_outcome(low, receiver, "unwrap")
        return None
    if name in _TRANSACTIONS or name in _BEGINS:
        found = _transaction(low, node, receiver, name)
        if found is not None:
            return found
    if name in ("commit", "rollback") and _is_transaction(low, receiver):
        note_end(low, node, name)
        if not receiver.guards:
            return None  # whoever called began it
        low.release(low.claim(receiver) or receiver.guards, node)
        return Value(Type("Result"))
    if name in _RUNNERS and low.types.method(receiver.type, name) is None:
        listed = arguments(node)
        if len(listed) == 1 and listed[0].type == "closure_expression" and name in _WORKERS:
            note_worker(low, node, name)  # also of a connection that the function was given
        if len(listed) == 1 and listed[0].type == "closure_expression" and receiver.place is None:
            serial = begin(low, node, receiver.type.name[1:-1]) if receiver.type == _SERIAL else None
            if serial is not None:
                low.transactions.append(serial)
            value = run_closure(low, listed[0], (Value(receiver.type, guards=receiver.guards),))
            if serial is not None:
                low.transactions.remove(serial)
                low.release((serial,), node)
            return value
    return _other(low, node, receiver, name)


def _other(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    if name in _METHODS:
        found = mongodb.collection(low, node, name) or (
            sqlx.method(low, node, receiver, name)
            or sea_orm.method(low, node, receiver, name)
            or mongodb.method(low, node, receiver, name)
            or redis.method(low, node, receiver, name)
            or sled.method(low, node, receiver, name)
            or opaque.method(low, node, receiver, name)
        )
        if found is not None:
            return found
    if receiver.deps:
        found = sqlx.row_value(low, node, receiver, name)
        if found is not None:
            return found
    if name == "save_changes":
        return diesel.method(low, node, receiver, name)
    return None


_METHODS = (
    sqlx.RUNS | sqlx.DIRECT | sqlx.PASSING | sea_orm.METHODS
    | {"bind", "push_bind", "exists", "raw_query", "collection", "collection_with_options", "arg",
       "query_async", "exec_async"}
    | set(mongodb.READS) | set(mongodb.WRITES) | set(redis.READS) | redis.WRITES | redis.ATOMIC
    | sled.NAMES | set(opaque.WRITES)
)  # fmt: skip


def _is_transaction(low: Lowering, value: Value) -> bool:
    inner = peel(value.type)
    if inner is not None and inner.short in ("Transaction", "DatabaseTransaction", "SqlTransaction"):
        return True
    return any(guard >= 0 and low.events[guard].method == "begin" for guard in value.guards)


_SERIAL = Type("[serializable]")


def _transaction(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    listed = arguments(node)
    closures = [one for one in listed if one.type == "closure_expression"]
    text = b"".join(one.text or b"" for one in listed if one.type != "closure_expression").lower()
    isolation = next(
        (word for word in ("serializable", "immediate", "exclusive") if word.encode() in text), ""
    )
    if name in ("build_transaction", "serializable"):
        if name == "serializable":
            return Value(_SERIAL, guards=receiver.guards)
        return None if listed else Value(Type("[builder]"))
    if name in _TRANSACTIONS and closures:
        number = begin(low, node, isolation or _TRANSACTIONS[name])
        low.transactions.append(number)
        note_closure(low, closures[-1])
        given = Value(TRANSACTION, guards=(number,))
        value = run_closure(low, closures[-1], (given, given))
        low.transactions.remove(number)
        low.release((number,), node)
        return value
    if name in ("transaction", *_BEGINS) and not closures:
        if low.types.method(receiver.type, name) is not None:
            return None  # a wrapper of ours is looked through
        strong = "immediate" if name == "begin_immediate" else isolation
        return started(low, node, strong)
    return None


def sql_macro(low: Lowering, name: str, nodes: list[Node]) -> Value | None:
    """`query!("…", a, b)`, given its arguments; None when it is another macro of that name."""
    row = None
    values: list[tuple[Node, Value]] = []
    for node in nodes:
        if (
            row is None
            and not values
            and node.type in ("identifier", "scoped_identifier", "generic_function")
        ):
            row = low.types.read(node, low.module, low.self_type)
        values.append((node, value_of(low, node)))
    return sqlx.macro(low, name, values, row)


def document(low: Lowering, node: Node, made: Value) -> Value:
    """`doc! { … }`: what it says as a filter, and what as an update."""
    return mongodb.document(low, node, made)


PATHS.append(path)

__all__ = ["call", "document", "method", "path", "sql_macro"]
