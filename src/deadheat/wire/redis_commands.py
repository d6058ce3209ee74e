"""What one Redis command touches: which keys, read or written.

Pure. Owns dependency keys for the search, after the table of the server's own (the Redis
documentation, "Key specifications"). Whatever is not in the table is *unknown*, which conflicts with
everything: a wrong independence would make a reduced search skip real interleavings, a wrong
dependence only makes it longer. A script touches the keys it declares, if its text shows that it uses
no others. That keys expire, and what modules and replicas do, is not seen.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from deadheat.wire.redis import Command


class Effect(Enum):
    """What kind of command it is."""

    NONE = "none"  # about the connection or the server: no key is touched
    TOUCH = "touch"
    WATCH = "watch"
    MULTI = "multi"
    EXEC = "exec"
    DISCARD = "discard"  # and UNWATCH
    LISTEN = "listen"  # answered by messages instead of a reply
    REFUSED = "refused"  # cannot be explored


class Access(Struct, frozen=True):
    """A key; None is any key."""

    key: bytes | None
    write: bool


ANYTHING = (Access(None, True),)
Words = tuple[bytes, ...]
_Keys = Callable[[Words], Words | None]


def _span(first: int = 1, last: int = 1, step: int = 1) -> _Keys:
    """Keys at fixed places, as COMMAND says it: a `last` below 0 counts from the end."""

    def keys(words: Words) -> Words | None:
        end = last if last >= 0 else len(words) + last
        return words[first : end + 1 : step] or None

    return keys


def _counted(at: int, ahead: int = 0) -> _Keys:
    """A number at `at`, then so many keys; `ahead` more where one stands before it (a destination)."""

    def keys(words: Words) -> Words | None:
        if len(words) <= at or not words[at].isdigit():
            return None
        found = words[at + 1 : at + 1 + int(words[at])]
        return (*words[1 : 1 + ahead], *found) if len(found) == int(words[at]) else None

    return keys


def _streams(words: Words) -> Words | None:
    """XREAD: half of what follows STREAMS."""
    for index, word in enumerate(words):
        if word.upper() == b"STREAMS":
            rest = words[index + 1 :]
            return rest[: len(rest) // 2] or None
    return None


_ONE, _TWO, _ALL, _PAIRS, _BUT_LAST = _span(), _span(1, 2), _span(1, -1), _span(1, -1, 2), _span(1, -2)

_READ: Mapping[_Keys, str] = {
    _ONE: "GET STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO TTL PTTL EXPIRETIME PEXPIRETIME TYPE"
    " DUMP HGET HMGET HGETALL HLEN HEXISTS HKEYS HVALS HSTRLEN HSCAN HRANDFIELD LLEN LRANGE LINDEX LPOS SCARD"
    " SMEMBERS SISMEMBER SMISMEMBER SRANDMEMBER SSCAN ZCARD ZSCORE ZMSCORE ZRANK ZREVRANK ZCOUNT ZLEXCOUNT"
    " ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX ZSCAN ZRANDMEMBER XLEN"
    " XRANGE XREVRANGE XPENDING GEOPOS GEODIST GEOHASH GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO",
    _TWO: "LCS",
    _ALL: "EXISTS TOUCH MGET SINTER SUNION SDIFF PFCOUNT",
    _counted(1): "SINTERCARD ZINTER ZUNION ZDIFF ZINTERCARD",
    _counted(2): "EVAL_RO EVALSHA_RO FCALL_RO",
    _streams: "XREAD",
}
_WRITE: Mapping[_Keys, str] = {
    _ONE: "SET SETNX SETEX PSETEX GETSET GETDEL GETEX APPEND INCR DECR INCRBY DECRBY INCRBYFLOAT SETRANGE"
    " SETBIT BITFIELD EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST RESTORE HSET HSETNX HMSET HDEL HINCRBY"
    " HINCRBYFLOAT HEXPIRE HPEXPIRE HGETDEL HSETEX HGETEX LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LSET LREM LTRIM"
    " LINSERT SADD SREM SPOP ZADD ZREM ZINCRBY ZPOPMIN ZPOPMAX ZREMRANGEBYRANK ZREMRANGEBYSCORE "
    "ZREMRANGEBYLEX PFADD GEOADD XADD XDEL XTRIM XACK XCLAIM XAUTOCLAIM XSETID",
    _TWO: "RENAME RENAMENX COPY RPOPLPUSH BRPOPLPUSH LMOVE BLMOVE SMOVE ZRANGESTORE GEOSEARCHSTORE",
    _span(2, 2): "XGROUP",
    _ALL: "DEL UNLINK SINTERSTORE SUNIONSTORE SDIFFSTORE PFMERGE",
    _span(2, -1): "BITOP",
    _PAIRS: "MSET MSETNX",
    _BUT_LAST: "BLPOP BRPOP BZPOPMIN BZPOPMAX",
    _counted(1): "LMPOP ZMPOP",
    _counted(2): "BLMPOP BZMPOP EVAL EVALSHA FCALL",
    _counted(2, 1): "ZINTERSTORE ZUNIONSTORE ZDIFFSTORE",
    _streams: "XREADGROUP",
}
_SEES_ALL = frozenset({"KEYS", "SCAN", "DBSIZE", "RANDOMKEY"})
_NOTHING = frozenset(
    {"PING", "ECHO", "AUTH", "HELLO", "QUIT", "SELECT", "CLIENT", "COMMAND", "CONFIG", "INFO", "TIME",
     "LATENCY", "SLOWLOG", "LASTSAVE", "ROLE", "ACL", "MODULE", "PUBLISH", "SPUBLISH", "PUBSUB", "WAIT",
     "WAITAOF", "SCRIPT", "FUNCTION", "LOLWUT"}
)  # fmt: skip
_LISTEN = frozenset({"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"})
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("ASKING", "READONLY", "READWRITE", "CLUSTER"),
        "it speaks to a cluster, and the proxy stands before one server: give it a plain connection",
    ),
    "SENTINEL": "it asks a Sentinel where Redis is: give it the address of the server itself",
    **dict.fromkeys(("MONITOR", "SYNC", "PSYNC"), "it asks for everybody's commands, which have no end"),
    "RESET": "it resets connections, which forgets what was said on them before",
}
_CALL = re.compile(
    r"redis\.p?call\s*\(\s*([\"'])(\w+)\1\s*,\s*KEYS\s*\[\s*\d+\s*\]\s*(?=[,)])", re.IGNORECASE
)
_ANY_CALL = re.compile(
    r"\bredis\b|\bserver\s*\.|loadstring|_G\b|\bKEYS\s*(?:\[[^\]]*\]\s*)?=[^=]", re.IGNORECASE
)


def _table() -> Mapping[str, tuple[_Keys, bool]]:
    found: dict[str, tuple[_Keys, bool]] = {}
    for rows, write in ((_READ, False), (_WRITE, True)):
        for keys, names in rows.items():
            found.update(dict.fromkeys(names.split(), (keys, write)))
    return MappingProxyType(found)


_TABLE = _table()
_SINGLE = frozenset(f"{_READ[_ONE]} {_WRITE[_ONE]}".split())


def effect(command: Command) -> Effect:
    """Give the kind of a command."""
    name = command.name
    if name in {"WATCH", "MULTI", "EXEC"}:
        return Effect(name.lower())
    if name in {"DISCARD", "UNWATCH"}:
        return Effect.DISCARD
    if name in _LISTEN:
        return Effect.LISTEN
    if refusal(command):
        return Effect.REFUSED
    return Effect.NONE if name in _NOTHING else Effect.TOUCH


def refusal(command: Command) -> str:
    """Say why a command cannot be explored, empty if it can."""
    words = tuple(word.upper() for word in command.words[:3])
    if words[:2] == (b"CLIENT", b"REPLY") and words[2:] != (b"ON",):
        return "it turns replies off, by which is seen what was done"
    return _REFUSED.get(command.name, "")


def accesses(command: Command, scripts: Mapping[str, bytes] = MappingProxyType({})) -> tuple[Access, ...]:
    """Give what a command touches; `scripts` are those known by their SHA-1."""
    name = command.name
    if name == "WATCH":
        return tuple(Access(key, False) for key in command.words[1:])
    if name in _SEES_ALL:
        return (Access(None, False),)
    known = _TABLE.get(name)
    if known is None:
        return ANYTHING
    if name.startswith(("EVAL", "FCALL")) and not _keeps_to_keys(command, scripts):
        return ANYTHING if not name.endswith("_RO") else (Access(None, False),)
    keys, write = known
    found = keys(command.words)
    return ANYTHING if found is None else tuple(Access(key, write) for key in dict.fromkeys(found))


def digest(script: bytes) -> str:
    """Give the name by which a server knows a script."""
    return hashlib.sha1(script, usedforsecurity=False).hexdigest()


def script_of(command: Command) -> bytes | None:
    """Give the script that a command teaches the server, if it does."""
    words = command.words
    if command.name in {"EVAL", "EVAL_RO"} and len(words) > 1:
        return words[1]
    if command.name == "SCRIPT" and len(words) > 2 and words[1].upper() == b"LOAD":
        return words[2]
    return None


def _keeps_to_keys(command: Command, scripts: Mapping[str, bytes]) -> bool:
    if command.name.startswith("FCALL"):
        return False
    text = script_of(command)
    if text is None and len(command.words) > 1:
        text = scripts.get(command.words[1].decode("latin-1").lower())
    return text is not None and _declared(text)


@lru_cache(maxsize=256)
def _declared(script: bytes) -> bool:
    """Whether every call of a script is `redis.call('COMMAND', KEYS[n], …)` with a command of one key."""
    text = script.decode("utf-8", "replace")
    calls = _CALL.findall(text)
    return all(name.upper() in _SINGLE for _, name in calls) and len(_ANY_CALL.findall(text)) == len(calls)
