"""Which read is marked: the smallest executions of each shape, and their serial twins."""

from deadheat.model import AccessKind, Event, EventKind, Span
from deadheat.report.divergence import Divergence, first_divergent_read

ACT = Span("src/main.rs", 9, 1, 9, 5)


def run(*steps: tuple[int, str | None, str | None], access: AccessKind | None = None) -> tuple[Event, ...]:
    return tuple(
        Event(seq, 0.0, actor, EventKind.STEP, ACT, "x", access, before, after)
        for seq, (actor, before, after) in enumerate(steps)
    )


def found(events: tuple[Event, ...], act: Span | None = None) -> Divergence | None:
    return first_divergent_read(events, lambda state: state == "x", act)


def test_lost_update_marks_the_stale_read() -> None:
    result = found(run((0, "0", "0"), (1, "0", "0"), (0, "0", "1"), (1, "1", "1")), None)
    assert result is not None
    assert (result.seq, result.kind, result.reader, result.writer) == (3, "changed", 1, 0)
    # The same where the last write shows a difference: now the earlier read is what went wrong.
    result = found(run((0, "0", "0"), (1, "0", "0"), (0, "0", "1"), (1, "1", "9")))
    assert result is not None
    assert (result.seq, result.kind, result.reader, result.writer, result.seen) == (1, "stale", 1, 0, "0")


def test_a_write_of_the_same_value_counts_where_it_is_the_act() -> None:
    check, act = Span("src/main.rs", 3, 1, 3, 5), ACT
    events = [
        Event(0, 0.0, 0, EventKind.STEP, check, "x", AccessKind.READ, "no", "no"),
        Event(1, 0.0, 1, EventKind.STEP, check, "x", AccessKind.READ, "no", "no"),
        Event(2, 0.0, 0, EventKind.STEP, act, "x", AccessKind.WRITE, "no", "used"),
        Event(3, 0.0, 1, EventKind.STEP, act, "x", AccessKind.WRITE, "used", "used"),
    ]
    result = found(tuple(events), act)
    assert result is not None
    assert (result.seq, result.kind) == (1, "stale")


def test_re_read_marks_the_read_of_somebody_elses_value() -> None:
    result = found(run((0, "0", "1"), (1, "1", "2"), (0, "2", "2"), (1, "2", "2")))
    assert result is not None
    assert (result.seq, result.kind, result.left, result.seen) == (2, "changed", "1", "2")


def test_serial_executions_have_none() -> None:
    assert found(run((0, "0", "0"), (0, "0", "1"), (1, "1", "1"), (1, "1", "2"))) is None
    assert found(run((0, "0", "1"), (0, "1", "1"), (1, "1", "2"), (1, "2", "2"))) is None
    assert found(()) is None


def test_unknown_values_go_by_the_access() -> None:
    read, write = AccessKind.READ, AccessKind.WRITE
    kinds = (read, read, write, write)
    events = tuple(
        Event(seq, 0.0, seq % 2, EventKind.STEP, None, "x", access) for seq, access in enumerate(kinds)
    )
    result = found(events)
    assert result is not None
    assert (result.seq, result.kind) == (1, "stale")
