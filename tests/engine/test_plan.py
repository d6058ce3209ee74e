"""Who is raced with whom, and which finding a schedule proves."""

from pathlib import Path

import msgspec
import pytest

from deadheat.engine import plan
from deadheat.engine.link import Linker, point_of, with_roles
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.target import Observed
from deadheat.engine.unconfirmed import lowered
from deadheat.io.hold import Execution, ProbedStep
from deadheat.io.resources import resource
from deadheat.model import (
    Access,
    AccessKind,
    Confidence,
    Event,
    EventKind,
    Exploration,
    Handler,
    History,
    Outcome,
    Point,
    Racer,
    Request,
    Reset,
    Review,
    Scenario,
    SharedState,
    Span,
    StateKind,
    Violation,
)
from deadheat.oracle import Observation
from deadheat.schedule import End, Trace


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


def test_state_that_no_probe_stands_at_is_said_not_to_be_tested() -> None:
    review = reviewed("counter").review
    plain = msgspec.structs.replace(review.states[0], kind=StateKind.ROW, path="hits")
    review = msgspec.structs.replace(review, states=(plain,))
    handlers = [handler.id for handler in review.handlers]
    missing = list(plan.unprobed(review, handlers, ()))
    assert missing
    assert all("hits" in entry.what for entry in missing)
    probe = Point(1, "f#SELECT hits[0]", Span("m.rs", 1, 0, 1, 1), plain.id, AccessKind.READ)
    assert not list(plan.unprobed(review, handlers, (probe,)))


@pytest.mark.parametrize("kind", [StateKind.ROW, StateKind.FILE, StateKind.DOCUMENT, StateKind.CACHE])
def test_handlers_that_share_what_outlives_the_process_are_paired_and_start_over(kind: StateKind) -> None:
    review = reviewed("counter").review
    shared = tuple(msgspec.structs.replace(state, kind=kind) for state in review.states)
    review = msgspec.structs.replace(review, states=shared)
    requests = {handler.id: Request("GET", "/") for handler in review.handlers}
    planned = plan.scenarios(review, requests, [2])
    assert planned
    assert all(scenario.reset is Reset.RESTART for scenario in planned), "no probe can put a row back"
    known = Scenario("known", (), reset=Reset.REQUESTS, reset_requests=(Request("POST", "/reset"),))
    assert plan.with_reset(planned[0], [known]).reset_requests == known.reset_requests
    assert plan.with_reset(planned[0], []) == planned[0]


def test_who_only_reads_rows_is_asked_what_became_of_them() -> None:
    row = SharedState("database:items", StateKind.ROW, "items")
    span = Span("m.rs", 1, 0, 1, 1)
    handlers = tuple(
        Handler(name, method, f"/{name}", span) for name, method in (("buy", "POST"), ("stock", "GET"))
    )
    review = Review(
        handlers, (row,),
        (Access("buy", row.id, AccessKind.WRITE, span), Access("stock", row.id, AccessKind.READ, span)),
    )  # fmt: skip
    requests = {handler.id: Request(handler.method, handler.route) for handler in handlers}
    buyers = next(s for s in plan.scenarios(review, requests, [2]) if s.name == "buy ×2")
    assert buyers.probes == (requests["stock"],)
    memory = msgspec.structs.replace(review, states=(msgspec.structs.replace(row, kind=StateKind.MUTEX),))
    assert not plan.scenarios(memory, requests, [2])[0].probes, "the probes show it"


def test_a_suspicion_about_rows_sinks_only_where_rows_were_looked_at() -> None:
    reviewed = Reviewed.of(resource("lab", "databases", "stock-sqlite"))
    finding = next(f for f in reviewed.findings if f.code.startswith("DH4"))
    explored = Exploration(
        "s", 2, tuple(finding.handlers), schedules=3, violating=0, complete=True, seconds=0.1
    )
    assert lowered(finding, [explored]) == finding
    assert lowered(finding, [explored], {"s"}).confidence is Confidence.LOW


def test_a_change_that_is_committed_after_the_check_splits_the_window() -> None:
    reviewed = Reviewed.of(resource("lab", "databases", "stock-sqlite"))
    finding = next(f for f in reviewed.findings if f.window and f.rule == "query-check-then-act")
    assert finding.window is not None
    (handler,) = finding.handlers
    ends = ((1, finding.window.check), (2, finding.window.act))
    points = {
        number: Point(number, f"f#{number}[0]", access.span, access.state, access.kind)
        for number, access in ends
    }
    points[3] = Point(3, "f#COMMIT[0]", finding.location, None, AccessKind.WRITE, "COMMIT")
    pair = Scenario("pair", (Racer(Request("POST", "/a"), handler),) * 2)
    linker = Linker((finding,), points, pair)

    def proved(*order: tuple[int, int]) -> bool:
        steps = tuple(ProbedStep(actor, point, 0, None, None) for actor, point in order)
        seen = Observed(Observation(()), (Execution(Trace((), End.DONE, ()), steps, ()),))
        return linker.proved(seen, Violation("", Outcome(()))) == (finding.fingerprint,)

    assert proved((0, 1), (0, 2), (1, 1), (1, 2), (0, 3), (1, 3)), "1 waits in its act for 0's commit"
    assert not proved((0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)), "one after the other"


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
