"""Why seeing nothing may say nothing."""

from collections.abc import Sequence

import pytest

from deadheat.engine.attack.nulls import Measured, conclusive, overlap, reasons
from deadheat.model import Request, Response, Round, Shot, Version

ASK = Request("POST", "/x")
MS = 1_000_000


def shot(
    sent: float, first: float, status: int = 200, last: float | None = None, request: Request = ASK
) -> Shot:
    end = first if last is None else last
    return Shot(request, Response(status), int(sent * MS), int(first * MS), int(end * MS))


def rounds(*shots: Shot, times: int = 10) -> tuple[Round, ...]:
    return (Round(shots, Version.H2, "whole", 1),) * times


def names(measured: Measured) -> list[str]:
    return [null.name for null in reasons(measured)]


MET = (shot(0, 3), shot(0.1, 3.1))


def test_racers_that_met_have_no_excuse() -> None:
    assert names(Measured(rounds(*MET), (0.003, 0.003), frozenset({200}), 2, 1.5)) == []
    assert overlap(rounds(*MET)) == 1.0


def test_racers_that_never_met_are_not_tested() -> None:
    apart = rounds(shot(0, 1), shot(1.1, 2))
    assert overlap(apart) == 0.0
    assert names(Measured(apart, cores=2)) == ["never-overlapped"]
    assert not conclusive(reasons(Measured(apart, cores=2)))


@pytest.mark.parametrize(
    ("statuses", "legal", "expected"),
    [
        ((401, 403), (), ["unauthorised"]),
        ((404, 404), (), ["not-found"]),
        ((422, 400), (), ["refused"]),
        ((200, 429), (), ["rate-limited"]),
        ((200, 429), (200, 429), []),
        ((429, 429), (), ["refused"]),
        ((200, 503), (200,), ["pool-exhausted"]),
        ((200, 500), (200,), ["some-failed"]),
        ((500, 500), (200,), ["failed"]),
        ((500, 500), (500,), []),
    ],
)
def test_refusals(statuses: Sequence[int], legal: Sequence[int], expected: list[str]) -> None:
    shots = [shot(0, 3, status) for status in statuses]
    assert names(Measured(rounds(*shots), (), frozenset(legal), 2)) == expected


def test_answers_before_the_release_came_from_something_in_front() -> None:
    early = Shot(ASK, Response(200), 5 * MS, 1 * MS, 1 * MS)
    assert names(Measured(rounds(early, early), cores=2)) == ["answered-early"]


def test_nobody_answered() -> None:
    silent = Shot(ASK, None, 0, reason="no answer")
    assert names(Measured(rounds(silent, silent), cores=2)) == ["unanswered"]


def test_one_at_a_time_is_told_by_the_time_it_takes() -> None:
    serial = rounds(shot(0, 4), shot(0, 8))
    assert names(Measured(serial, (0.004, 0.004), cores=2)) == ["one-at-a-time"]
    assert names(Measured(rounds(shot(0, 4), shot(0, 4.2)), (0.004, 0.004), cores=2)) == []
    # A busy machine looks like that too.
    assert "one-at-a-time" not in names(Measured(serial, (0.004, 0.004), cores=2, free_cores=0.1))
    # One does the work and the other is turned away: a sum that is nearly the longer one tells nothing.
    assert names(Measured(rounds(shot(0, 4), shot(0, 0.6)), (0.004, 0.000_6), cores=2)) == []


def test_a_common_session_is_named_as_a_suspect() -> None:
    session = Request("POST", "/x", (("cookie", "s=1"),))
    serial = rounds(shot(0, 4, request=session), shot(0, 8, request=session))
    (null,) = reasons(Measured(serial, (0.004, 0.004), cores=2))
    assert "session" in null.words
    assert "two principals" in null.mend


@pytest.mark.parametrize(("cores", "free"), [(1, None), (2, 0.1)])
def test_without_a_free_core_little_is_said_but_it_was_tested(cores: int, free: float | None) -> None:
    nulls = reasons(Measured(rounds(*MET), cores=cores, free_cores=free))
    assert [null.name for null in nulls] == ["no-free-core"]
    assert conclusive(nulls)
