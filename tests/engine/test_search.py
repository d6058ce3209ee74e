"""Four to six requests on the embedded twin: sampled, bounded, exhausted up to names."""

from collections.abc import Iterator

import pytest

from deadheat.engine.embedded import EmbeddedSubject
from deadheat.engine.events import Explored
from deadheat.engine.explore import Search
from deadheat.engine.link import Linker
from deadheat.engine.target import Target
from deadheat.io.store import Store
from deadheat.model import Exploration, Racer, Request, Reset, Scenario
from deadheat.model.config import Explore

Running = tuple[EmbeddedSubject, Target]
INCREMENT, DECREMENT = Request("GET", "/increment"), Request("GET", "/decrement")


@pytest.fixture(scope="module", params=["active-users", "active-users-fixed"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    subject = EmbeddedSubject.of(request.param)
    application = subject.build(lambda _: None).application
    with Target(application, Store(tmp_path_factory.mktemp("store"))) as target:
        target.restart()
        yield subject, target


def explored(running: Running, limits: Explore, *requests: Request) -> tuple[Search, Exploration]:
    subject, target = running
    scenario = Scenario("s", tuple(map(Racer, requests)), reset=Reset.SNAPSHOT)
    linker = Linker(subject.findings, target.point_table, scenario)
    search = Search(target, scenario, limits, lambda *_: ("it",), suspects=linker.suspects)
    *_, last = search.events()
    assert isinstance(last, Explored)
    return search, last.exploration


def is_racy(running: Running) -> bool:
    return not running[0].reviewed.name.endswith("-fixed")


@pytest.mark.parametrize("strategy", ["pct", "surw", "pos", "walk"])
def test_a_sampler_finds_the_race_and_claims_nothing_where_there_is_none(
    running: Running, strategy: str
) -> None:
    limits = Explore(strategy=strategy, budget=40, enough=3)  # type: ignore[arg-type]
    search, found = explored(running, limits, *[INCREMENT] * 5)
    assert not found.complete
    if is_racy(running):
        assert found.verdict == "violation"
        assert search.replay(search.best["it"].order)[1] is not None
    else:
        assert (found.verdict, found.violating, found.schedules) == ("unknown", 0, 40)
        assert found.reason == "orders were sampled, which never exhausts them"
    assert sum(tally.schedules for tally in found.strategies) == found.schedules
    assert [tally.depth for tally in found.strategies] == ([2, 3] if strategy == "pct" else [0])
    assert all(bool(tally.chance) is bool(tally.depth) for tally in found.strategies)


@pytest.mark.parametrize("running", ["active-users-fixed"], indirect=True)
def test_six_identical_requests_have_one_order_where_they_have_one_lock(running: Running) -> None:
    search, found = explored(running, Explore(), *[INCREMENT] * 6)
    assert (found.complete, found.verdict, found.schedules) == (True, "ok", 1)
    assert found.merged == (
        "steps that cannot affect each other",
        "which of several identical requests is which",
    )
    assert search.controls == 4, "three runs of one order, and one that shows that names do not matter"
    assert len(search.serial) == 720


@pytest.mark.parametrize("running", ["active-users-fixed"], indirect=True)
def test_three_of_each_have_twenty(running: Running) -> None:
    _, found = explored(running, Explore(), *[INCREMENT, DECREMENT] * 3)
    assert (found.complete, found.verdict, found.schedules) == (True, "ok", 20)


def test_a_bound_of_preemptions_is_kept_and_said(running: Running) -> None:
    _, found = explored(running, Explore(bound=1), *[INCREMENT] * 3)
    if is_racy(running):
        assert (found.complete, found.bound) == (False, 1)
        assert found.reason == "only orders with at most 1 preemption were asked for"
        assert found.verdict == "violation"
    else:
        assert (found.complete, found.verdict) == (True, "ok"), "one step each: nobody is ever preempted"
