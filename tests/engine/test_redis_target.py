"""Commands held before a real Redis, for an application in plain Python: transactions, scripts, waits."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deadheat.engine import explore
from deadheat.engine.events import Explored
from deadheat.engine.explore import Search
from deadheat.engine.statements.redis import RedisGate
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.io.store import Store
from deadheat.model import Exploration, Racer, Request, Reset, Scenario
from deadheat.model.config import Explore
from deadheat.schedule import Exhaustive, SourceDpor, Strategy
from tests.servers.redis import Redis, redis

# They need the server's program and a moment each.
pytestmark = pytest.mark.rocket

SHOP = Path(__file__).parents[1] / "servers" / "redis_shop.py"
HELLO = Request("GET", "/hello")  # sends no command
BUY, OTHER, PUSH = Request("POST", "/buy"), Request("POST", "/buy/chair"), Request("POST", "/push")


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with redis() as running:
        yield running


def explored(
    server: Redis, folder: Path, mode: str, *requests: Request, strategy: type[Strategy] = SourceDpor
) -> tuple[Search, Exploration, bool]:
    application = Unmodified(
        "redis_shop", (sys.executable, str(SHOP), *mode.split()), Path.cwd(), timeout=1.0
    )
    scenario = Scenario(
        mode,
        tuple(map(Racer, requests)),
        probes=(Request("GET", "/"),),
        reset=Reset.REQUESTS,
        reset_requests=(Request("POST", "/reset"),),
    )
    target_ = StatementTarget(application, RedisGate(server.url), Store(folder))
    with target_ as target, pytest.MonkeyPatch.context() as patch:
        patch.setattr(explore, "STRATEGIES", {"source-dpor": strategy})
        search = Search(target, scenario, Explore(), lambda *_: ("it",))
        *_, last = search.events()
        assert isinstance(last, Explored)
        for candidate in search.best.values():
            assert all(search.replay(candidate.order)[1] is not None for _ in range(20))
    assert server.clients() == 0
    return search, last.exploration, target_.hindered


def outcomes(search: Search) -> set[tuple[object, ...]]:
    """What was seen, up to the names of identical requests."""
    requests = [str(racer.request) for racer in search.scenario.racers]
    return {
        (tuple(sorted(zip(requests, seen.responses, strict=True))), seen.state) for seen in search._states
    }


@pytest.mark.parametrize(
    ("mode", "violates", "schedules"),
    [
        ("get-set", True, 21),
        ("get-set shared", True, 21),
        ("pipeline", True, 36),
        ("watch", False, 60),
        ("watch-in-one", False, 60),
        ("lua", False, 6),
        ("lua shared", False, 6),
        ("transaction shared", False, 6),
    ],
)
def test_three_buyers(server: Redis, tmp_path: Path, mode: str, violates: bool, schedules: int) -> None:
    _, result, hindered = explored(server, tmp_path, mode, BUY, BUY, BUY)
    assert result.complete, result.reason
    assert result.verdict == ("violation" if violates else "ok"), result.reason
    assert result.schedules <= schedules
    assert not hindered


@pytest.mark.parametrize(
    ("mode", "requests"),
    [
        ("get-set shared", (BUY, BUY, OTHER)),
        ("get-set shared", (BUY, BUY, BUY)),
        ("get-set", (BUY, HELLO, BUY)),
        ("three", (BUY, OTHER)),
        ("watch", (BUY, BUY)),
        ("watch-in-one", (BUY, OTHER)),
        ("pipeline", (BUY, BUY)),
        ("lua shared", (BUY, OTHER, BUY)),
        ("pop-shortly", (BUY, PUSH)),
    ],
)
def test_the_same_outcomes_as_every_order(
    server: Redis, tmp_path: Path, mode: str, requests: tuple[Request, ...]
) -> None:
    reduced, _, _ = explored(server, tmp_path, mode, *requests)
    plain, result, _ = explored(server, tmp_path, mode, *requests, strategy=Exhaustive)
    assert outcomes(reduced) == outcomes(plain)
    assert "depth-first" in result.search
    assert reduced.schedules <= result.schedules


def test_three_commands_over_one_connection_are_limited(server: Redis, tmp_path: Path) -> None:
    _, _, hindered = explored(server, tmp_path, "three shared", BUY, BUY)
    assert hindered


def test_a_request_that_waits_for_another_gets_what_that_pushes(server: Redis, tmp_path: Path) -> None:
    search, result, _ = explored(server, tmp_path, "pop-shortly", BUY, PUSH)
    assert (result.complete, result.verdict) == (True, "ok"), result.reason
    assert "200 sold" in {seen.responses[0] for seen in search._states}


def test_a_wait_that_nobody_ends_is_no_pass(server: Redis, tmp_path: Path) -> None:
    _, result, _ = explored(server, tmp_path, "pop", BUY, BUY)
    assert (result.complete, result.verdict) == (False, "unknown")


def test_a_wait_that_ends_by_itself_is_awaited(server: Redis, tmp_path: Path) -> None:
    _, result, _ = explored(server, tmp_path, "pop-shortly", BUY, BUY)
    assert (result.complete, result.verdict) == (True, "ok"), result.reason
