"""Keys of commands: what is not certain is unknown."""

import pytest

from deadheat.wire.redis import Command, Commands, command
from deadheat.wire.redis_commands import ANYTHING, Access, Effect, accesses, digest, effect, refusal


def read(text: str) -> Command:
    (found,) = Commands().feed(text.encode() + b"\r\n")
    return found


def touched(text: str) -> list[tuple[str, bool]]:
    return [("*" if each.key is None else each.key.decode(), each.write) for each in accesses(read(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET a", [("a", False)]),
        ("set a 1 NX", [("a", True)]),
        ("MGET a b a", [("a", False), ("b", False)]),
        ("MSET a 1 b 2", [("a", True), ("b", True)]),
        ("DEL a b", [("a", True), ("b", True)]),
        ("BLPOP a b 0", [("a", True), ("b", True)]),
        ("LMOVE a b LEFT RIGHT", [("a", True), ("b", True)]),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", [("d", True), ("a", True), ("b", True)]),
        ("SINTERCARD 2 a b LIMIT 1", [("a", False), ("b", False)]),
        ("LMPOP 1 a LEFT", [("a", True)]),
        ("BLMPOP 0 2 a b LEFT", [("a", True), ("b", True)]),
        ("XREAD COUNT 1 BLOCK 0 STREAMS s t 0 0", [("s", False), ("t", False)]),
        ("XREADGROUP GROUP g c STREAMS s >", [("s", True)]),
        ("BITOP AND d a b", [("d", True), ("a", True), ("b", True)]),
        ("WATCH a b", [("a", False), ("b", False)]),
        ("KEYS *", [("*", False)]),
        ("SORT a BY w_*", [("*", True)]),
        ("FLUSHALL", [("*", True)]),
        ("JSON.SET a $ 1", [("*", True)]),
        ("SINTERCARD x a b", [("*", True)]),
        ("LMPOP 3 a LEFT", [("*", True)]),
        ("GET", [("*", True)]),
        ("FCALL f 1 a", [("*", True)]),
    ],
)
def test_keys(text: str, expected: list[tuple[str, bool]]) -> None:
    assert touched(text) == expected


@pytest.mark.parametrize(
    ("script", "declared"),
    [
        ("return redis.call('GET', KEYS[1])", True),
        ('local n = redis.call( "incr" , KEYS[ 1 ])\nif n > 3 then redis.pcall("DECR", KEYS[1]) end', True),
        ("return redis.call('GET', 'other')", False),
        ("return redis.call('GET', KEYS[1] .. ':x')", False),
        ("return redis.call('MGET', KEYS[1], 'other')", False),
        ("local r = redis.call; return r('GET', 'other')", False),
        ("KEYS[1] = 'other'; return redis.call('GET', KEYS[1])", False),
        ("for i = 1, 2 do redis.call('DEL', KEYS[i]) end", False),
    ],
)
def test_a_script_touches_its_keys_if_its_text_shows_it(script: str, declared: bool) -> None:
    (found,) = Commands().feed(command("EVAL", script, "1", "a"))
    assert accesses(found) == ((Access(b"a", True),) if declared else ANYTHING)
    (found,) = Commands().feed(command("EVALSHA", digest(script.encode()), "1", "a"))
    assert accesses(found) == ANYTHING
    known = {digest(script.encode()): script.encode()}
    assert accesses(found, known) == ((Access(b"a", True),) if declared else ANYTHING)


@pytest.mark.parametrize(
    "text", ["PING", "HELLO 3", "AUTH x", "SELECT 1", "CLIENT SETINFO LIB-NAME x", "QUIT"]
)
def test_what_is_about_the_connection_is_no_step(text: str) -> None:
    assert effect(read(text)) is Effect.NONE


@pytest.mark.parametrize(
    "text", ["CLUSTER SLOTS", "ASKING", "SENTINEL masters", "MONITOR", "CLIENT REPLY OFF"]
)
def test_what_cannot_be_held_is_refused_in_words(text: str) -> None:
    assert effect(read(text)) is Effect.REFUSED
    assert refusal(read(text))
