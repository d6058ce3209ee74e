"""Who is raced with whom, and which finding a schedule proves."""

from pathlib import Path

import msgspec
import pytest

from deadheat.engine import plan
from deadheat.engine.link import point_of, with_roles
from deadheat.engine.reviewed import Reviewed
from deadheat.io.resources import resource
from deadheat.model import AccessKind, Event, EventKind, History, Request, Reset, StateKind


def reviewed(name: str) -> Reviewed:
    return Reviewed.of(resource("lab", "rocket", name))


def groups(name: str, size: int) -> set[tuple[str, ...]]:
    review = reviewed(name).review
    requests = {handler.id: Request("GET", "/") for handler in review.handlers}
    found = plan.scenarios(review, requests, [size])
    return {tuple((racer.handler or "").split("::")[-1] for racer in s.racers) for s in found}


def test_each_handler_meets_itself_and_who_shares_its_state() -> None:
    assert groups("deadlock", 2) == {
        ("to_savings", "to_savings"),
        ("to_checking", "to_checking"),
        ("to_checking", "to_savings"),
        ("fee", "fee"),
        ("summary", "summary"),
        ("fee", "summary"),
    }


def test_two_readers_of_an_atomic_cannot_disturb_each_other() -> None:
    assert groups("counter", 2) == {("increment", "increment"), ("count", "increment")}


def test_three_requests_mix_a_pair_in_both_ways() -> None:
    assert {("count", "increment", "increment"), ("count", "count", "increment")} <= groups("counter", 3)


def test_memory_can_be_restored_by_the_probes() -> None:
    review = reviewed("counter").review
    requests = {handler.id: Request("GET", "/") for handler in review.handlers}
    assert all(s.reset is Reset.SNAPSHOT for s in plan.scenarios(review, requests, [2]))


def test_state_that_no_probe_reaches_is_said_not_to_be_tested() -> None:
    review = reviewed("counter").review
    row = msgspec.structs.replace(review.states[0], kind=StateKind.ROW, path="hits")
    review = msgspec.structs.replace(review, states=(row,))
    missing = list(plan.unprobed(review, [handler.id for handler in review.handlers]))
    assert missing
    assert all("hits" in entry.what for entry in missing)


@pytest.mark.parametrize(("name", "line"), [("active-users", 29), ("coupons", 66), ("counter", 29)])
def test_a_check_belongs_to_the_probe_of_its_critical_section(name: str, line: int) -> None:
    subject = reviewed(name)
    points = {point.id: point for point in subject.plan.points}
    window = subject.findings[0].window
    assert window is not None
    point = point_of(window.check, points)
    assert point is not None
    assert point.span.start_line == line


def test_steps_are_told_as_what_the_source_says_they_do() -> None:
    subject = reviewed("counter")
    finding = subject.findings[0]
    points = {point.id: point for point in subject.plan.points}
    steps = tuple(
        Event(seq=n, t=n, actor=0, kind=EventKind.STEP, access=AccessKind.WRITE, point=points[n].identity)
        for n in (1, 2)
    )
    told = with_roles(History(events=steps), finding, points).events
    assert [(e.role, e.access) for e in told] == [
        ("check", AccessKind.READ),
        ("act", AccessKind.WRITE),
    ]


def test_a_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no Cargo\.toml"):
        Reviewed.of(tmp_path)
