"""Which units are steps, and what they touch: on conversations as the libraries have them."""

import struct

import pytest

from deadheat.wire import postgres
from deadheat.wire.pg_sql import Access, Effect, accesses, effects, normalised
from deadheat.wire.pg_steps import Session, Unit
from deadheat.wire.postgres import Message

SYNC = Message("S", b"")
EXECUTE = Message("E", b"\0" + struct.pack("!i", 0))


def ready(status: str = "I") -> Message:
    return Message("Z", status.encode())


def parse(name: str, sql: str) -> Message:
    return Message("P", f"{name}\0{sql}\0".encode() + struct.pack("!h", 0))


def types(*oids: int) -> Message:
    return Message("t", struct.pack(f"!h{len(oids)}I", len(oids), *oids))


def client(session: Session, *messages: Message) -> Unit:
    """Send messages that make one unit."""
    units = [unit for message in messages if (unit := session.from_client(message))]
    (unit,) = units
    return unit


def done(session: Session, unit: Unit, *answers: Message) -> None:
    session.sent(unit)
    for answer in answers:
        session.from_server(answer)


def prepared(session: Session, sql: str, *oids: int) -> None:
    """What sqlx does first: Parse, Describe, Sync, and the answer to them."""
    unit = client(session, parse("s1", sql), Message("D", b"Ss1\0"), SYNC)
    assert not session.is_step(unit)
    done(session, unit, Message("1", b""), types(*oids), ready(session.status or "I"))


def bound(session: Session, *values: bytes) -> Unit:
    return client(session, postgres.bind_body("", "s1", [1], values), EXECUTE, SYNC)


def test_a_prepared_statement_as_sqlx_sends_it() -> None:
    session = Session()
    prepared(session, "SELECT stock FROM items WHERE name = $1", 25)
    unit = bound(session, b"lamp")
    assert session.is_step(unit)
    assert session.accesses(unit) == (Access("items", False, "name", ("text", "lamp")),)
    assert unit.statement == "SELECT stock FROM items WHERE name = $1"


def test_a_number_is_the_same_row_as_text_and_as_binary() -> None:
    session = Session()
    prepared(session, "DELETE FROM items WHERE id = $1", 20)
    unit = bound(session, struct.pack("!q", 7))
    assert session.accesses(unit) == accesses("DELETE FROM items WHERE id = 7")


def test_a_parameter_of_unknown_type_tells_no_row() -> None:
    session = Session()
    prepared(session, "SELECT stock FROM items WHERE name = $1", 16_400)
    assert session.accesses(bound(session, b"lamp")) == (Access("items", False),)


def test_a_ping_is_no_step() -> None:
    session = Session(status="I")
    assert not session.is_step(client(session, SYNC))
    assert not session.is_step(client(session, postgres.query("SELECT 1")))


def test_a_transaction_leases_and_its_end_is_a_step_only_after_it_touched_something() -> None:
    session = Session(status="I")
    begin = client(session, postgres.query("BEGIN"))
    assert not session.is_step(begin)
    done(session, begin, ready("T"))
    assert session.in_transaction
    rollback = client(session, postgres.query("ROLLBACK"))
    assert not session.is_step(rollback)
    update = client(session, postgres.query("UPDATE items SET stock = 0 WHERE id = 1"))
    assert session.is_step(update)
    # Inside a transaction it may wait, and becomes visible later: that conflicts with everything.
    assert session.accesses(update) == ()
    done(session, update, ready("T"))
    commit = client(session, postgres.query("COMMIT"))
    assert session.is_step(commit)
    done(session, commit, ready("I"))
    assert not session.in_transaction


def test_pipelined_describes_find_their_statements() -> None:
    session = Session()
    one = client(session, parse("a", "SELECT 1 FROM x WHERE i = $1"), Message("D", b"Sa\0"), SYNC)
    two = client(session, parse("b", "SELECT 1 FROM y WHERE t = $1"), Message("D", b"Sb\0"), SYNC)
    session.sent(one)
    session.sent(two)
    for answer in (types(20), ready(), types(25), ready()):
        session.from_server(answer)
    unit = client(session, postgres.bind_body("", "b", [0], [b"7"]), EXECUTE, SYNC)
    assert session.accesses(unit) == (Access("y", False, "t", ("text", "7")),)


def test_what_executes_a_statement_never_seen_is_a_step_that_conflicts() -> None:
    session = Session(status="I")
    unit = client(session, postgres.bind_body("", "gone", [], []), EXECUTE, SYNC)
    assert session.is_step(unit)
    assert session.accesses(unit) == ()


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("SET application_name = 'x'", Effect.NONE),
        ("SELECT $1, $2", Effect.NONE),
        ("SELECT typname FROM pg_catalog.pg_type WHERE oid = $1", Effect.NONE),
        ("-- a comment\nSELECT 1", Effect.NONE),
        ("", Effect.NONE),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", Effect.BEGIN),
        ("SAVEPOINT a", Effect.FINISH),
        ("SELECT nextval('s')", Effect.UNKNOWN),
        ("SELECT pg_advisory_lock(1)", Effect.UNKNOWN),
        ("SELECT * FROM items, mine(3)", Effect.UNKNOWN),
        ("CALL pay(1)", Effect.UNKNOWN),
        ("LOCK TABLE items", Effect.UNKNOWN),
        ("CREATE TABLE items (id int)", Effect.UNKNOWN),
        ("SELECT FROM WHERE", Effect.UNKNOWN),
        ("DO $$ BEGIN END $$", Effect.UNKNOWN),
    ],
)
def test_kinds_of_statement(sql: str, effect: Effect) -> None:
    assert effects(sql) == (effect,)


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("SELECT * FROM items", (Access("items", False),)),
        ("SELECT * FROM public.items WHERE id = 3 FOR UPDATE", (Access("items", True, "id", ("int", "3")),)),
        ("SELECT * FROM items WHERE id = 3 OR id = 4", (Access("items", False),)),
        ("SELECT * FROM items WHERE name = 'a'", (Access("items", False),)),
        ("SELECT * FROM items WHERE id = (SELECT 3)", (Access("items", False),)),
        ("SELECT * FROM a JOIN b USING (id) WHERE a.id = 1", (Access("a", False), Access("b", False))),
        ("INSERT INTO items (id) VALUES (1)", (Access("items", True),)),
        ("INSERT INTO a SELECT * FROM b", (Access("a", True), Access("b", True))),
        ("UPDATE items SET id = 4 WHERE id = 3", (Access("items", True),)),
        ("UPDATE items SET n = 4 WHERE n > 0 AND (id = 3)", (Access("items", True, "id", ("int", "3")),)),
        (
            "WITH gone AS (DELETE FROM a WHERE id = 1 RETURNING *) SELECT * FROM gone",
            (Access("a", True),),
        ),
        ("DELETE FROM a; DELETE FROM b", ()),
    ],
)
def test_what_is_touched(sql: str, touched: tuple[Access, ...]) -> None:
    assert accesses(sql) == touched


def test_two_columns_that_differ_in_case_are_two() -> None:
    (quoted,) = accesses('SELECT 1 FROM items WHERE "Id" = 1')
    (plain,) = accesses("SELECT 1 FROM items WHERE ID = 1")
    assert (quoted.column, plain.column) == ("Id", "id")


def test_a_statement_is_the_same_whatever_its_values() -> None:
    assert normalised("SELECT  1\n FROM a WHERE b = 'x' -- why") == normalised(
        "SELECT 1 FROM a WHERE b = 'it''s'"
    )
