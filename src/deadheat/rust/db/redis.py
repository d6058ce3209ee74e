"""Redis: keys.

Owns commands as methods (`conn.get(key)`) and as `redis::cmd("GET").arg(key)`; which of them are one step
(`INCR`, `SET NX`, `GETSET`, scripts, `MULTI`). The "table" of an access is the shape of its key: what stands
before the first hole (`session:`), or the name of the variable.
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, execute, literal, turbofish
from deadheat.rust.db.query import CACHE, KEEPS_ON, Condition, Op, Query, shape_of
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import key_of, value_of
from deadheat.rust.syntax import text_of
from deadheat.rust.types import Type, peel

READS = {"get": "", "exists": "exists", "hget": "", "hgetall": "", "hexists": "exists", "scard": "count",
          "sismember": "exists", "llen": "count", "lrange": "", "ttl": "", "zscore": "", "zcard": "count",
          "hlen": "count", "smembers": "", "mget": "", "get_ex": "", "strlen": "count"}  # fmt: skip
WRITES = frozenset(
    {"set", "set_ex", "pset_ex", "hset", "hmset", "del", "hdel", "lpush", "rpush", "zadd", "zrem", "expire",
     "set_options", "mset", "json_set", "unlink", "persist", "append"}
)  # fmt: skip
ATOMIC = frozenset(
    {"incr", "decr", "set_nx", "hset_nx", "getset", "getdel", "get_del", "sadd", "srem", "hincr", "lpop",
     "rpop", "spop", "zincr", "mset_nx", "smove", "rename_nx"}
)  # fmt: skip
_VALUE = {"set": 0, "set_ex": 0, "pset_ex": 0, "set_options": 0, "hset": 1}  # its place after the key
_DELETES = {"del", "hdel", "unlink"}
_TYPES = ("Connection", "MultiplexedConnection", "ConnectionManager", "ClusterConnection", "PooledConnection",
          "Client", "Pipeline")  # fmt: skip
_COMMAND = Type("[redis]")
_HOLE = re.compile(r"\{.*$", re.DOTALL)


def uses_redis(low: Lowering) -> bool:
    """Whether the module has redis' command traits in scope."""
    cached = low.types.redis_modules.get(low.module.path)
    if cached is None:
        named = any("redis" in target[0] or target[-1] in ("AsyncCommands", "Commands")
                    for target in low.module.uses.values() if target)  # fmt: skip
        cached = named or any(glob and "redis" in glob[0] for glob in low.module.globs)
        low.types.redis_modules[low.module.path] = cached
    return cached


def call(low: Lowering, node: Node, name: str, resolved: str) -> Value | None:
    """`redis::cmd("GET")`."""
    if name != "cmd" or "redis" not in resolved:
        return None
    text = literal(low, next(iter(arguments(node)), None))
    return Value(_COMMAND, query=Query(Op.OTHER, text.lower(), CACHE)) if text else None


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """A command method, or a step of a command being built."""
    if receiver.type is not None and receiver.type.short == "[redis]":
        return _command(low, node, receiver, name)
    if name not in READS and name not in WRITES and name not in ATOMIC:
        return None
    if receiver.place is not None and receiver.place.is_content and receiver.place.root[0] in "SG":
        declared = peel(receiver.type)
        if declared is None or declared.short not in _TYPES:
            return None
    declared = peel(receiver.type)
    if declared is not None and declared.short not in _TYPES and "redis" not in declared.name:
        return None
    if not uses_redis(low) or (
        declared is None and name in ("get", "append", "del") and not _is_connection(node)
    ):
        return None
    listed = arguments(node)
    if not listed:
        return None
    table, key, selects = _key(low, listed[0])
    deps: Deps = NO_DEPS
    options = b"".join(one.text or b"" for one in listed[1:])
    values = [value_of(low, one) for one in listed[1:]]
    for value in values:
        deps |= value.deps
    at = _VALUE.get(name, len(values))
    stored = key_of(listed[at + 1], values[at]) if at < len(values) else None
    row = turbofish(low, node, -1)
    return _emit(low, node, name, table, key, deps, selects, options, receiver, row, stored)


def _is_connection(node: Node) -> bool:
    callee = node.child_by_field_name("function")
    if callee is not None and callee.type == "generic_function":  # `con.get::<_, i64>(…)`
        callee = callee.child_by_field_name("function")
    receiver = callee.child_by_field_name("value") if callee is not None else None
    return receiver is not None and re.search(r"con|redis|cache", text_of(receiver).lower()) is not None


def _key(low: Lowering, node: Node) -> tuple[str, str, Deps]:
    value = value_of(low, node)
    text = literal(low, node)
    name = key_of(node, value)
    if text is None and name.startswith("format!"):
        text = name.split('"')[1] if '"' in name else None
    shape = _HOLE.sub("", text).strip(":") if text is not None else ""
    return shape or shape_of(name).removesuffix("_key") or "redis", name, value.deps


def _emit(
    low: Lowering, node: Node, name: str, table: str, key: str, deps: Deps, selects: Deps, options: bytes,
    receiver: Value, row: Type | None, stored: str | None = None,
) -> Value:  # fmt: skip
    """`stored` names the value that is put in."""
    where = (Condition("key", "=", key),)
    if name in READS:
        query = Query(Op.SELECT, table, CACHE, where=where, aggregate=READS[name])
    else:
        op = Op.DELETE if name in _DELETES else Op.UPDATE
        query = Query(op, table, CACHE, where=where, columns=("value",), values=(stored,) if stored else ())
        if name in ATOMIC or b"NX" in options:
            query = replace(query, relative=("value",), conflict="nothing")
    return execute(
        low, node, query, deps, selects, [receiver], Type("Result", (row,)), f"redis {name.upper()}"
    )


def _command(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    listed = arguments(node)
    query = receiver.query
    if query is None:
        return None
    if name == "arg" and listed:
        value = value_of(low, listed[0])
        if not receiver.parts:
            shape, key, chosen = _key(low, listed[0])
            return replace(receiver, parts=(Value(Type(shape), deps=chosen, key=key),))
        return replace(receiver, parts=(*receiver.parts, Value(deps=value.deps, key=text_of(listed[0]))))
    if name in ("query_async", "query", "exec", "exec_async") and receiver.parts:
        first, rest = receiver.parts[0], receiver.parts[1:]
        deps: Deps = NO_DEPS
        for one in rest:
            deps |= one.deps
        options = " ".join(one.key or "" for one in rest).encode()
        command = {"setnx": "set_nx", "setex": "set_ex"}.get(query.table, query.table)
        if command == "watch":  # what is read from here on must be so when the transaction is executed
            watch = Query(Op.SELECT, KEEPS_ON, CACHE, locked=True, others=True)
            return execute(low, node, watch, NO_DEPS, NO_DEPS, [receiver], None, "redis WATCH")
        if command not in READS and command not in WRITES and command not in ATOMIC:
            return Value(deps=deps)
        table = first.type.name if first.type is not None else "redis"
        at = _VALUE.get(command, len(rest)) + (command == "set_ex")  # SETEX key seconds value
        stored = (rest[at].key or "").lstrip("&*") if at < len(rest) else None
        key = first.key or table
        return _emit(low, node, command, table, key, deps, first.deps, options, Value(), None, stored)
    return None
