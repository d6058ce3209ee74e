"""An exploration by commands that ends before its end: what was learned stays, and nothing is left behind."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deadheat.engine import explore
from deadheat.engine.events import Event, Exploring
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.statements.hunt import StatementHunt, expanded
from deadheat.engine.statements.redis import RedisGate
from deadheat.engine.statements.target import Unmodified
from deadheat.io import config as configuration
from deadheat.io.redis_proxy import Lane
from deadheat.io.resources import resource
from deadheat.io.store import Store
from deadheat.model import Racer, Request
from tests.servers.redis import Redis, redis

pytestmark = pytest.mark.rocket

SHOP = Path(__file__).parents[1] / "servers" / "redis_shop.py"


@pytest.fixture(autouse=True)
def _told_of_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a quick exploration is over before it is said to be under way."""
    monkeypatch.setattr(explore, "_SAY_EVERY", -1.0)


def hunt(server: Redis, folder: Path, mode: str, when_under_way: Callable[[], None]) -> StatementHunt[Lane]:
    """Explore four buyers; `when_under_way` is called once, after some orders."""
    path = resource("lab", "databases") / "hits-redis"
    config = configuration.load(path)
    (scenario,) = config.scenarios
    scenario = msgspec.structs.replace(
        scenario,
        racers=tuple(Racer(Request("POST", f"/buy/{item}"), count=2) for item in ("lamp", "chair")),
        probes=(Request("GET", "/"),),
        reset_requests=(Request("POST", "/reset"),),
    )
    calls = iter([when_under_way])

    def listen(event: Event) -> None:
        if isinstance(event, Exploring) and event.schedules > 2:
            next(calls, lambda: None)()

    return StatementHunt(
        RocketSubject.open(path, config),
        expanded(scenario, None),
        Unmodified("redis_shop", (sys.executable, str(SHOP), mode), Path.cwd(), timeout=2.0),
        RedisGate(server.url),
        Store(folder),
        listen,
    )


def children() -> set[str]:
    """The programs that are our children now."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(entry.parent.name)
    return found


@pytest.mark.parametrize("mode", ["watch", "three"])
def test_a_redis_that_dies(tmp_path: Path, mode: str) -> None:
    before = children()
    with redis() as server:
        job = hunt(server, tmp_path, mode, lambda: os.kill(server.pid, signal.SIGKILL))
        job.run()
    (exploration,) = job.result().coverage.explorations
    assert not exploration.complete
    assert exploration.schedules > 2
    assert exploration.verdict == ("violation" if mode == "three" else "unknown")
    assert "Redis" in exploration.reason
    assert any("Redis" in missing.why for missing in job.not_tested)
    assert children() == before


def test_an_interrupt(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before = children()
    with redis() as server:
        job = hunt(server, tmp_path, "watch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            job.run()
        assert server.clients() == 0
        assert children() - before == {str(server.pid)}
    (exploration,) = job.result().coverage.explorations
    assert (exploration.complete, exploration.verdict) == (False, "unknown")
    assert exploration.reason == "interrupted"
