"""Power: four to six requests on real Rocket, where samplers have to find what cannot be exhausted."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from deadheat.engine.events import Event, Explored
from deadheat.engine.explore import Search
from deadheat.engine.link import Linker
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.target import Target
from deadheat.io import config as configuration
from deadheat.io.store import Store
from deadheat.model import Exploration, Racer, Request, Reset, Scenario
from deadheat.model.config import Search as Strategy
from tests.power.lab import ROCKET as LAB
from tests.power.lab import unoptimised

pytestmark = pytest.mark.rocket

GET, POST, PUT = "GET", "POST", "PUT"

PLANTED = {
    ("counter", 2): (Request(GET, "/increment"),) * 6,
    ("active-users", 2): (Request(GET, "/increment"),) * 5,
    ("coupons", 2): (Request(POST, "/redeem/WELCOME10"),) * 4,
    ("deadlock", 2): (Request(POST, "/to-savings"), Request(POST, "/to-checking")) * 2,
    ("tokio-locks", 2): (Request(POST, "/bake"), Request(POST, "/roast")) * 2,
    ("concurrent-map", 2): (Request(POST, "/claim/ada", body=b"a@b.example"),) * 4,
    ("actor", 2): (Request(POST, "/book/A1"),) * 4,
    ("receipt", 2): (Request(POST, "/sale/5"),) * 4,
    ("price-cache", 3): (Request(PUT, "/price/tea/4"), Request(GET, "/price/tea")) * 2,
}
"""An application, how deep its race is, and what to send at once."""

DECLARED = ("admin-gate", "rate-limit", "sessions", "signup")
"""Applications with a race of depth 2 whose deadheat.toml says what to send; all of it is sent twice."""


@contextmanager
def target(application: str) -> Iterator[tuple[RocketSubject, Target]]:
    def ignore(event: Event) -> None:
        pass

    with tempfile.TemporaryDirectory() as folder:
        config = configuration.load(LAB / application, unoptimised(LAB / application, Path(folder)))
        subject = RocketSubject.open(LAB / application, config)
    with (
        tempfile.TemporaryDirectory() as folder,
        Target(subject.build(ignore).application, Store(Path(folder))) as running,
    ):
        running.restart()
        yield subject, running


def explored(
    subject: RocketSubject,
    running: Target,
    requests: tuple[Request, ...],
    strategy: Strategy,
) -> Exploration:
    scenario = Scenario("planted", tuple(map(Racer, requests)), reset=Reset.SNAPSHOT)
    return sampled(subject, running, scenario, strategy)


def sampled(subject: RocketSubject, running: Target, scenario: Scenario, strategy: Strategy) -> Exploration:
    limits = msgspec.structs.replace(subject.config.explore, strategy=strategy, budget=2_000, enough=1)
    linker = Linker(subject.findings, running.point_table, scenario)
    search = Search(running, scenario, limits, lambda *_: ("it",), suspects=linker.suspects)
    *_, last = search.events()
    assert isinstance(last, Explored)
    if search.best:
        assert all(search.replay(search.best["it"].order)[1] is not None for _ in range(3))
    return last.exploration


@pytest.mark.parametrize(("application", "depth"), PLANTED)
def test_a_planted_race_is_found_and_how_likely_that_was_is_said(application: str, depth: int) -> None:
    strategies: tuple[Strategy, ...] = ("pct", "surw")
    requests = PLANTED[application, depth]
    with target(application) as (subject, running):
        for strategy in strategies:
            found = explored(subject, running, requests, strategy)
            assert (found.verdict, found.complete) == ("violation", False), found.reason
            assert found.schedules <= 2_000
            used = [tally for tally in found.strategies if tally.schedules]
            assert any(tally.first for tally in used)
            assert all(tally.rate is not None for tally in used)
            promised = {tally.depth: tally.chance for tally in used if tally.chance}
            for each, chance in promised.items():
                assert chance == pytest.approx(1 / (len(requests) * found.points ** (each - 1)))
            assert strategy == "surw" or depth in promised


@pytest.mark.parametrize("application", DECLARED)
def test_a_declared_race_is_found_among_four(application: str) -> None:
    strategies: tuple[Strategy, ...] = ("pct", "surw")
    with target(application) as (subject, running):
        declared = subject.config.scenarios[0]
        four = msgspec.structs.replace(declared, racers=declared.racers * 2)
        for strategy in strategies:
            found = sampled(subject, running, four, strategy)
            assert (found.verdict, found.complete) == ("violation", False), found.reason
            assert found.schedules <= 2_000
