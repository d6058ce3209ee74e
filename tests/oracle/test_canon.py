"""What is unstable between identical runs is not compared, and no more than that."""

from deadheat.model import Response
from deadheat.oracle import Canon, Observation


def seen(*bodies: str, state: str = "") -> Observation:
    return Observation(
        tuple(Response(200, (), body.encode()) for body in bodies),
        (("map", state),) if state else (),
    )


def test_a_stable_answer_is_compared_word_for_word() -> None:
    canon = Canon()
    canon.learn([seen("count is 1"), seen("count is 1")])
    assert canon.masked == ()
    assert canon.outcome(seen("count is 2")) != canon.outcome(seen("count is 1"))


def test_identifiers_are_renamed_and_a_duplicate_stays_visible() -> None:
    canon = Canon()
    canon.learn([seen("id a1", "id b2"), seen("id c3", "id d4")])
    assert canon.masked == ()
    assert canon.outcome(seen("id x", "id y")) == canon.outcome(seen("id p", "id q"))
    assert canon.outcome(seen("id x", "id x")) != canon.outcome(seen("id p", "id q"))


def test_what_renaming_cannot_settle_is_masked_and_said() -> None:
    canon = Canon()
    # The same time by chance in one run, different times in the other.
    canon.learn([seen("at 10:00", "at 10:00"), seen("at 10:01", "at 10:02")])
    assert canon.masked
    assert canon.outcome(seen("at 1", "at 2")) == canon.outcome(seen("at 3", "at 3"))


def test_an_answer_that_changes_its_layout_cannot_be_compared() -> None:
    canon = Canon()
    canon.learn([seen("one two"), seen("one")])
    assert not canon.stable
    assert any("whole" in masked for masked in canon.masked)


def test_the_status_is_always_compared() -> None:
    canon = Canon()
    canon.learn([seen("x1"), seen("x2")])
    other = Observation((Response(409, (), b"x3"),))
    assert canon.outcome(other) != canon.outcome(seen("x4"))


def told(body: bytes, kind: str = "text/event-stream") -> Observation:
    return Observation((Response(200, (("content-type", kind),), body),))


def test_a_heartbeat_of_an_event_stream_is_nothing_that_a_client_is_told() -> None:
    canon = Canon()
    canon.learn([told(b"data:one\n\ndata:two\n\n"), told(b":\n\ndata:one\n\ndata:two\n\n")])
    assert not canon.unstable
    once = canon.outcome(told(b"data:one\n\ndata:two\n\n"))
    for body in (b"data:one\n:\n\ndata:two\n\n", b":\n\ndata:one\n\n:\n\ndata:two\n\n:\n\n"):
        assert canon.outcome(told(body)) == once
    assert canon.outcome(told(b"data:one\ndata:two\n\n")) != once
    assert canon.outcome(told(b"a\n:\nb", "text/plain")) != canon.outcome(told(b"a\nb", "text/plain"))
