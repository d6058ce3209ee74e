"""Which units are steps, and what they touch: on conversations as the libraries have them."""

import struct

import pytest

from deadheat.wire import postgres
from deadheat.wire.pg_sql import (
    Access,
    Effect,
    Level,
    accesses,
    declared,
    effects,
    fetched,
    level,
    normalised,
)
from deadheat.wire.pg_steps import Session, Unit
from deadheat.wire.pg_transaction import Aspect, Touch
from deadheat.wire.postgres import Message

SYNC = Message("S", b"")
ID3 = (("id", ("int", "3")),)
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
    assert session.touches(unit) == (Touch(Aspect.VALUE, False, "items", (("name", ("text", "lamp")),)),)
    assert unit.statement == "SELECT stock FROM items WHERE name = $1"


def test_a_number_is_the_same_row_as_text_and_as_binary() -> None:
    session = Session()
    prepared(session, "DELETE FROM items WHERE id = $1", 20)
    unit = bound(session, struct.pack("!q", 7))
    assert unit.executed[0].accesses == accesses("DELETE FROM items WHERE id = 7")


def test_a_parameter_of_unknown_type_tells_no_row() -> None:
    session = Session()
    prepared(session, "SELECT stock FROM items WHERE name = $1", 16_400)
    assert session.touches(bound(session, b"lamp")) == (Touch(Aspect.VALUE, False, "items"),)


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
    # Inside a transaction it is a lock that reads; COMMIT is the write, and gives the lock back.
    row = (("id", ("int", "1")),)
    lock = Touch(Aspect.LOCK, True, "items", row)
    assert session.touches(update) == (Touch(Aspect.VALUE, False, "items", row), lock)
    done(session, update, ready("T"))
    commit = client(session, postgres.query("COMMIT"))
    assert session.is_step(commit)
    assert session.touches(commit) == (lock, Touch(Aspect.VALUE, True, "items", row))
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
    assert session.touches(unit) == (Touch(Aspect.VALUE, False, "y", (("t", ("text", "7")),)),)


def test_what_executes_a_statement_never_seen_is_a_step_that_conflicts() -> None:
    session = Session(status="I")
    unit = client(session, postgres.bind_body("", "gone", [], []), EXECUTE, SYNC)
    assert session.is_step(unit)
    assert session.touches(unit) is None


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("SET application_name = 'x'", Effect.NONE),
        ("SELECT $1, $2", Effect.READING),
        ("SELECT typname FROM pg_catalog.pg_type WHERE oid = $1", Effect.READING),
        ("-- a comment\nSELECT 1", Effect.READING),
        ("", Effect.NONE),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", Effect.BEGIN),
        ("SAVEPOINT a", Effect.NONE),
        ("RELEASE SAVEPOINT a", Effect.NONE),
        ("ROLLBACK TO SAVEPOINT a", Effect.UNDO),
        ("ROLLBACK", Effect.ROLLBACK),
        ("commit and chain", Effect.COMMIT),
        ("COMMIT PREPARED 'a'", Effect.UNKNOWN),
        ("LISTEN orders", Effect.NONE),
        ("NOTIFY orders, 'x'", Effect.UNKNOWN),
        ("DECLARE c CURSOR FOR SELECT * FROM items", Effect.TOUCH),
        ("COPY items FROM STDIN", Effect.TOUCH),
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
        ("SELECT * FROM public.items WHERE id = 3 FOR UPDATE", (Access("items", False, ID3, locks=True),)),
        ("SELECT * FROM items WHERE id = 3 OR id = 4", (Access("items", False),)),
        ("SELECT * FROM items WHERE name = 'a'", (Access("items", False),)),
        ("SELECT * FROM items WHERE id = (SELECT 3)", (Access("items", False),)),
        ("SELECT * FROM a JOIN b USING (id) WHERE a.id = 1", (Access("a", False), Access("b", False))),
        ("INSERT INTO items (id, n) VALUES (3, now())", (Access("items", True, ID3, adds=True),)),
        ("INSERT INTO items VALUES (3)", (Access("items", True, adds=True),)),
        ("INSERT INTO items (id) VALUES (3), (4)", (Access("items", True, adds=True),)),
        (
            "INSERT INTO items (id, n) VALUES (3, 1) ON CONFLICT (id) DO UPDATE SET n = 2",
            (Access("items", True, ID3, adds=True),),
        ),
        (
            # The row that is there by that name may have another id.
            "INSERT INTO items (id, n) VALUES (3, 1) ON CONFLICT (name) DO UPDATE SET n = 2",
            (Access("items", True, adds=True),),
        ),
        ("INSERT INTO a SELECT * FROM b", (Access("a", True, adds=True), Access("b", True, adds=True))),
        ("UPDATE items SET id = 4 WHERE id = 3", (Access("items", True, assigned=("id",)),)),
        (
            "UPDATE items SET n = 4 WHERE n > 0 AND (id = 3)",
            (Access("items", True, ID3, assigned=("n",)),),
        ),
        (
            "SELECT * FROM items WHERE id = 3 AND n = 3",
            (Access("items", False, (*ID3, ("n", ("int", "3")))),),
        ),
        # The condition is about what was counted, not about the table.
        ("SELECT * FROM (SELECT count(*) AS id FROM items) AS q WHERE id = 3", (Access("items", False),)),
        ("COPY items TO STDOUT", (Access("items", False),)),
        ("COPY items (id, n) FROM STDIN", (Access("items", True, adds=True),)),
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
    assert (quoted.row[0][0], plain.row[0][0]) == ("Id", "id")


def test_a_statement_is_the_same_whatever_its_values() -> None:
    assert normalised("SELECT  1\n FROM a WHERE b = 'x' -- why") == normalised(
        "SELECT 1 FROM a WHERE b = 'it''s'"
    )


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("BEGIN", None),
        ("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", Level.REPEATABLE_READ),
        ("start transaction isolation level serializable", Level.SERIALIZABLE),
        ("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", Level.READ_COMMITTED),
        ("SET default_transaction_isolation = 'repeatable read'", Level.REPEATABLE_READ),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL $1", Level.UNKNOWN),
    ],
)
def test_the_isolation_level_that_is_asked_for(sql: str, asked: Level | None) -> None:
    assert level(sql) is asked


def test_cursors_by_name() -> None:
    assert declared('DECLARE "C" CURSOR WITH HOLD FOR SELECT 1 FROM a') == ("C", "SELECT 1 FROM a")
    assert fetched("FETCH FORWARD 10 FROM c") == "c"
    assert fetched("FETCH NEXT c") == "c"
    assert fetched("FETCH 3 IN C") == "c"
    assert declared("SELECT 1") is None
    assert fetched("SELECT 1") is None


def run(session: Session, sql: str, status: str) -> tuple[bool, tuple[Touch, ...] | None]:
    """Send one Query and have it answered; gives whether it was a step, and what it touched."""
    unit = client(session, postgres.query(sql))
    found = session.is_step(unit), session.touches(unit)
    done(session, unit, ready(status))
    return found


def test_a_snapshot_is_taken_by_the_first_statement_and_shows_nothing_newer() -> None:
    session = Session(status="I")
    assert run(session, "BEGIN ISOLATION LEVEL REPEATABLE READ", "T") == (False, ())
    # Only to prepare a statement takes it, too.
    prepare = client(session, parse("s2", "SELECT n FROM items"), Message("D", b"Ss2\0"), SYNC)
    assert (session.is_step(prepare), session.touches(prepare)) == (True, (Touch(Aspect.SNAPSHOT, False),))
    done(session, prepare, ready("T"))
    assert run(session, "SELECT n FROM items", "T") == (True, ())
    assert run(session, "SELECT n FROM items FOR UPDATE", "T") == (
        True,
        (Touch(Aspect.VALUE, False, "items"), Touch(Aspect.LOCK, True, "items")),
    )
    assert run(session, "ROLLBACK", "I") == (True, (Touch(Aspect.LOCK, True, "items"),))


def test_reads_of_serializable_transactions_meet_writes_and_their_end_meets_all() -> None:
    session = Session(status="I")
    run(session, "BEGIN", "T")
    run(session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "T")
    step, touched = run(session, "SELECT n FROM items WHERE id = 3", "T")
    assert step
    assert touched is not None
    assert Touch(Aspect.LOCK, False, "items") in touched
    assert run(session, "COMMIT", "I") == (True, None)


def test_an_isolation_level_for_the_session_is_that_of_its_next_transaction() -> None:
    session = Session(status="I")
    run(session, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "I")
    assert run(session, "SELECT n FROM items", "I") == (True, None)
    run(session, "RESET ALL", "I")


def test_a_statement_that_failed_gave_up_the_locks_and_the_rest_touches_nothing() -> None:
    session = Session(status="I")
    run(session, "BEGIN", "T")
    run(session, "SAVEPOINT a", "T")
    run(session, "UPDATE items SET n = 1 WHERE id = 3", "T")
    assert session.at_risk == (Touch(Aspect.LOCK, True, "items", ID3),)
    run(session, "SELECT 1 / 0 FROM items", "E")
    assert session.given_up == (Touch(Aspect.LOCK, True, "items", ID3),)
    assert run(session, "SELECT n FROM items", "E") == (False, ())
    assert run(session, "ROLLBACK TO SAVEPOINT a", "T") == (False, ())
    assert run(session, "SELECT n FROM items", "T")[0]
    assert run(session, "COMMIT", "I")[0]


def test_a_transaction_that_only_read_ends_unseen() -> None:
    session = Session(status="I")
    run(session, "BEGIN", "T")
    assert run(session, "SELECT n FROM items", "T")[0]
    assert run(session, "COMMIT", "I") == (False, ())


def test_a_transaction_in_one_batch_is_one_step() -> None:
    session = Session(status="I")
    unit = client(
        session,
        *(parse("", "BEGIN"), postgres.bind_body("", "", [], []), EXECUTE),
        *(parse("", "UPDATE items SET n = 1 WHERE id = 3"), postgres.bind_body("", "", [], []), EXECUTE),
        *(parse("", "COMMIT"), postgres.bind_body("", "", [], []), EXECUTE, SYNC),
    )
    assert session.is_step(unit)
    assert Touch(Aspect.VALUE, True, "items", ID3) in (session.touches(unit) or ())
    assert unit.statement == "BEGIN; UPDATE items SET n = 1 WHERE id = 3; COMMIT"


def test_an_error_in_a_batch_skips_to_its_end() -> None:
    session = Session(status="I")
    unit = client(session, parse("a", "SELECT broken"), Message("D", b"Sa\0"), Message("E", b"\0" * 5), SYNC)
    done(session, unit, Message("E", b"SERROR\0\0"), ready())
    prepared(session, "SELECT stock FROM items WHERE id = $1", 23)
    unit = bound(session, struct.pack("!i", 3))
    assert session.touches(unit) == (Touch(Aspect.VALUE, False, "items", ID3),)


def test_a_portal_that_is_executed_again_touches_what_it_touched() -> None:
    session = Session(status="I")
    run(session, "BEGIN", "T")
    execute = Message("E", b"p\0" + struct.pack("!i", 1))
    first = client(
        session, parse("", "SELECT n FROM items"), postgres.bind_body("p", "", [], []), execute, SYNC
    )
    assert session.is_step(first)
    done(session, first, Message("D", b""), Message("s", b""), ready("T"))
    again = client(session, execute, SYNC)
    assert session.is_step(again)
    assert session.touches(again) == (Touch(Aspect.VALUE, False, "items"),)


def test_a_cursor_sees_what_was_there_when_it_was_declared() -> None:
    session = Session(status="I")
    run(session, "BEGIN", "T")
    assert run(session, "DECLARE c CURSOR FOR SELECT n FROM items", "T")[0]
    assert run(session, "FETCH 2 FROM c", "T") == (False, ())
    assert run(session, "DECLARE d CURSOR FOR SELECT n FROM items FOR UPDATE", "T")[0]
    assert run(session, "FETCH 2 FROM d", "T")[0]
    assert run(session, "FETCH 2 FROM stranger", "T") == (True, None)


@pytest.mark.parametrize("extended", [False, True])
def test_a_copy_from_the_client_is_one_step(extended: bool) -> None:
    session = Session(status="I")
    sql = "COPY items (id) FROM STDIN"
    if extended:  # tokio-postgres: a Sync before the data, which the server ignores, and one after
        unit = client(session, parse("", sql), postgres.bind_body("", "", [], []), EXECUTE, SYNC)
    else:
        unit = client(session, postgres.query(sql))
    assert session.is_step(unit)
    assert Touch(Aspect.VALUE, True, "items", new=True) in (session.touches(unit) or ())
    done(session, unit, Message("G", b"\0\0\0"))
    rest = [Message("d", b"1\n"), Message("d", b"2\n"), Message("c", b""), *([SYNC] if extended else [])]
    for message in rest:
        data = client(session, message)
        assert not data.answered
        session.sent(data)
    session.from_server(Message("C", b"COPY 2\0"))
    session.from_server(ready())
    assert not session.in_flight
    assert run(session, "SELECT n FROM items", "I")[0]


FLUSH = Message("H", b"")
BIND = postgres.bind_body("", "", (), ())


def flushed(session: Session, sql: str, *answers: str) -> tuple[bool, tuple[Touch, ...] | None]:
    """Parse, Bind, Execute and Flush, and the kinds of what answers them."""
    unit = client(session, parse("", sql), BIND, EXECUTE, FLUSH)
    seen = session.is_step(unit), session.touches(unit)
    done(session, unit, *(Message(kind, b"\0") for kind in answers))
    return seen


def test_what_a_flush_asks_for_is_committed_by_the_sync() -> None:
    session = Session(status="I")
    lock, change = Touch(Aspect.LOCK, True, "items", ID3), Touch(Aspect.VALUE, True, "items", ID3)
    step, touches = flushed(session, "UPDATE items SET n = 1 WHERE id = 3", *"12C")
    assert (step, lock in (touches or ()), change in (touches or ())) == (True, True, False)
    assert (session.in_transaction, session.in_flight) == (True, type(session.in_flight)())
    sync = client(session, SYNC)
    assert session.is_step(sync)
    assert session.touches(sync) == (lock, change)
    done(session, sync, ready())
    assert not session.in_transaction


def test_a_transaction_that_a_flush_began_has_the_connection_to_itself() -> None:
    session = Session(status="I")
    flushed(session, "BEGIN", *"12C")
    assert session.in_transaction
    done(session, client(session, SYNC), ready("T"))
    assert session.in_transaction
    flushed(session, "COMMIT", *"12C")
    assert session.in_transaction  # as far as the server said
    done(session, client(session, SYNC), ready("I"))
    assert not session.in_transaction


def test_what_only_reads_up_to_a_sync_has_no_step_at_its_end() -> None:
    session = Session(status="I")
    assert flushed(session, "SELECT n FROM items", *"12DDC")[0]
    assert not session.is_step(client(session, SYNC))


def test_a_flushed_statement_is_over_with_its_last_completion() -> None:
    session = Session(status="I")
    unit = client(session, parse("", "SELECT n FROM items"), BIND, Message("D", b"P\0"), EXECUTE, FLUSH)
    session.sent(unit)
    for kind in "12TDDN":
        session.from_server(Message(kind, b"\0"))
        assert session.in_flight
    session.from_server(Message("s", b""))
    assert not session.in_flight


def test_after_an_error_nothing_is_taken_until_a_sync() -> None:
    session = Session(status="I")
    flushed(session, "UPDATE items SET n = 1 WHERE id = 3", *"12C")
    assert flushed(session, "UPDATE items SET n = 1 WHERE id = 4", *"12E")[0]
    assert {touch.row for touch in session.given_up} >= {ID3}
    unit = client(session, parse("", "UPDATE items SET n = 1 WHERE id = 5"), BIND, EXECUTE, FLUSH)
    assert not session.is_step(unit)
    session.sent(unit)
    assert not session.in_flight  # nobody answers it
    sync = client(session, SYNC)
    assert not session.is_step(sync)
    done(session, sync, ready())
    assert flushed(session, "SELECT n FROM items", *"12C")[0]


def test_a_describe_with_a_flush_tells_the_types() -> None:
    session = Session(status="I")
    unit = client(session, parse("s1", "SELECT n FROM items WHERE id = $1"), Message("D", b"Ss1\0"), FLUSH)
    assert not session.is_step(unit)
    done(session, unit, Message("1", b""), types(23), Message("T", b"\0\0"))
    assert not session.in_flight
    bind = bound(session, struct.pack("!i", 3))
    assert session.touches(bind) == (Touch(Aspect.VALUE, False, "items", ID3),)


def test_what_arrives_unasked_changes_nothing() -> None:
    session = Session(status="I")
    for message in (Message("N", b"SNOTICE\0\0"), Message("A", b"\0\0\0\1a\0b\0"), Message("S", b"a\0b\0")):
        session.from_server(message)
    assert (session.status, session.unsupported) == ("I", "")


def test_a_unique_column_makes_an_update_depend_on_all_rows() -> None:
    session = Session(status="I")
    session.catalogue.unique["items"] = frozenset({"name"})
    _, plain = run(session, "UPDATE items SET n = 1 WHERE id = 3", "I")
    _, unique = run(session, "UPDATE items SET name = 'x' WHERE id = 3", "I")
    assert Touch(Aspect.VALUE, False, "items", ID3) in (plain or ())
    assert Touch(Aspect.VALUE, False, "items") in (unique or ())


def test_a_foreign_key_meets_who_may_remove_the_row_and_not_who_changes_it() -> None:
    session = Session(status="I")
    session.catalogue.parents["orders"] = frozenset({"items"})
    session.catalogue.children["items"] = frozenset({"orders"})
    session.catalogue.unique["items"] = frozenset({"id"})
    points, key = Touch(Aspect.KEY, False, "items"), Touch(Aspect.KEY, True, "items")
    _, inserted = run(session, "INSERT INTO orders (item) VALUES (3)", "I")
    _, deleted = run(session, "DELETE FROM items WHERE id = 3", "I")
    _, changed = run(session, "UPDATE items SET n = 1 WHERE id = 3", "I")
    assert points in (inserted or ())
    assert key in (deleted or ())
    assert Touch(Aspect.VALUE, False, "orders") in (deleted or ())
    assert key not in (changed or ())
