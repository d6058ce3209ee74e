"""Commands as steps: transactions, messages, names."""

from deadheat.wire.redis import Commands, Frame, Replies
from deadheat.wire.redis_commands import Access
from deadheat.wire.redis_steps import Session, Unit, shape


def units(session: Session, *lines: str) -> list[Unit]:
    return session.units(list(Commands().feed("".join(f"{line}\r\n" for line in lines).encode())))


def keys(unit: Unit) -> set[tuple[bytes | None, bool]]:
    return {(access.key, access.write) for access in unit.touches}


def test_a_pipeline_is_a_step_each() -> None:
    found = units(Session(), "GET a", "PING", "INCR b")
    assert [(unit.statement, unit.is_step, unit.replies) for unit in found] == [
        ("GET a", True, 1),
        ("PING", False, 1),
        ("INCR b", True, 1),
    ]


def test_a_transaction_in_one_piece_is_one_step() -> None:
    one, other = units(Session(), "MULTI", "INCR a", "GET b", "EXEC", "GET c")
    assert (one.is_step, one.replies, keys(one)) == (True, 4, {(b"a", True), (b"b", False)})
    assert keys(other) == {(b"c", False)}


def test_exec_stands_for_what_was_queued_and_watched() -> None:
    session = Session()
    steps = [unit for line in ("WATCH w", "GET w", "MULTI", "INCR a") for unit in units(session, line)]
    assert [unit.is_step for unit in steps] == [True, True, False, False]
    leased = session.queueing
    (last,) = units(session, "EXEC")
    assert (last.is_step, keys(last)) == (True, {(b"w", False), (b"a", True)})
    assert (leased, session.queueing) == (True, False)
    (after,) = units(session, "GET b")
    assert keys(after) == {(b"b", False)}


def test_what_is_discarded_is_no_step() -> None:
    session = Session()
    steps = [
        unit for line in ("MULTI", "INCR a", "DISCARD", "MULTI", "EXEC") for unit in units(session, line)
    ]
    assert not any(unit.is_step for unit in steps)


def test_messages_answer_nothing() -> None:
    session = Session()
    (listen,) = units(session, "SUBSCRIBE news")
    assert (listen.is_step, listen.replies) == (False, 0)
    (told, reply) = Replies().feed(
        b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    )
    assert session.is_message(told.frame)
    assert not session.is_message(reply.frame)
    assert Session().is_message(Frame(">", None, (Frame("$", b"invalidate"),)))


def test_a_script_once_seen_is_known_by_its_hash() -> None:
    scripts: dict[str, bytes] = {}
    text = "return redis.call('GET', KEYS[1])"
    units(Session(scripts), f'SCRIPT LOAD "{text}"')
    (sha,) = scripts
    (unit,) = units(Session(scripts), f"EVALSHA {sha} 1 a")
    assert unit.touches == (Access(b"a", True),)


def test_a_name_leaves_out_what_passes() -> None:
    assert shape(b"session:5f0c6a52-0d6f-4b3c-9f43-8a6a6f2f0a11") == "session:…"
    assert shape(b"user:42:cart") == "user:…:cart"
    assert shape(b"token:0123456789abcdef0123456789abcdef") == "token:…"
    assert shape(b"hits:home") == "hits:home"
