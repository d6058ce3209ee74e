"""A check with several acts: the finding names one, the schedule may have taken another."""

from deadheat.engine.link import as_it_happened
from deadheat.model import (
    Access,
    AccessKind,
    Confidence,
    Event,
    EventKind,
    Finding,
    History,
    Point,
    Severity,
    SharedState,
    Span,
    StateKind,
    Window,
)

STATE = "app::Attempts.wrong"


def line(number: int) -> Span:
    return Span("src/main.rs", number, 9, number, 40)


POINTS = {
    number: Point(number, f"app::login#lock[{number}]", line(at), STATE, AccessKind.WRITE, "Mutex::lock")
    for number, at in ((1, 56), (2, 62), (3, 66))
}
FINDING = Finding(
    "check-then-act",
    "DH101",
    "check-then-act on Attempts.wrong",
    Severity.HIGH,
    Confidence.HIGH,
    SharedState(STATE, StateKind.MUTEX, "Attempts.wrong"),
    ("app::login",),
    line(62),
    "It checks, then acts.",
    "f",
    window=Window(
        Access("app::login", STATE, AccessKind.READ, line(56)),
        Access("app::login", STATE, AccessKind.WRITE, line(62)),
    ),
)


def history(*steps: tuple[int, int, str, str]) -> History:
    return History(
        events=tuple(
            Event(seq, 0.0, actor, EventKind.STEP, POINTS[point].span, STATE, AccessKind.WRITE, before, after,
                  POINTS[point].identity)
            for seq, (actor, point, before, after) in enumerate(steps)
        )
    )  # fmt: skip


def test_the_act_that_was_seen_takes_the_place_of_the_one_that_was_read() -> None:
    seen = as_it_happened(
        FINDING, history((0, 1, "2", "2"), (1, 1, "2", "2"), (1, 3, "2", "3"), (0, 3, "3", "4")), POINTS
    )
    assert seen.window is not None
    assert (seen.location, seen.window.act.span) == (line(66), line(66))
    assert seen.message == "It checks, then acts. In the order that was forced the act is in line 66."
    assert seen.fingerprint == FINDING.fingerprint


def test_where_the_named_act_was_taken_nothing_changes() -> None:
    assert as_it_happened(FINDING, history((0, 1, "2", "2"), (0, 2, "2", "0")), POINTS) is FINDING


def test_a_later_look_is_no_act() -> None:
    assert as_it_happened(FINDING, history((0, 1, "2", "2"), (0, 3, "2", "2")), POINTS) is FINDING
