"""Statements held before a real PostgreSQL, for an application in plain Python: locks and outcomes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deadheat.engine import explore
from deadheat.engine.events import Explored
from deadheat.engine.explore import Search
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.io.store import Store
from deadheat.model import Exploration, Racer, Request, Reset, Scenario, TargetError
from deadheat.model.config import Explore
from deadheat.schedule import Exhaustive, Proposal, SourceDpor, Strategy
from tests.servers.postgres import Postgres, postgres

# They need the server's programs and a second or two each.
pytestmark = pytest.mark.rocket

SHOP = Path(__file__).parents[1] / "servers" / "pg_shop.py"
BUY = Request("POST", "/buy")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def explored(
    server: Postgres, folder: Path, mode: str, *requests: Request, strategy: type[Strategy] = SourceDpor
) -> tuple[Search, Exploration]:
    number = server.sql("SELECT count(*) FROM pg_database")
    url = server.database(f"shop{number}")
    application = Unmodified("pg_shop", (sys.executable, str(SHOP), mode), Path.cwd())
    scenario = Scenario(
        mode,
        tuple(map(Racer, requests)),
        probes=(Request("GET", "/"),),
        reset=Reset.REQUESTS,
        reset_requests=(Request("POST", "/reset"),),
    )
    with (
        StatementTarget(application, PostgresGate(url), Store(folder)) as target,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(explore, "STRATEGIES", {"source-dpor": strategy})
        search = Search(target, scenario, Explore(), lambda *_: ("it",))
        *_, last = search.events()
        assert isinstance(last, Explored)
        for candidate in search.best.values():
            assert all(search.replay(candidate.order)[1] is not None for _ in range(20))
    assert server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deadheat'") == "0"
    return search, last.exploration


@pytest.mark.parametrize("strategy", [SourceDpor, Exhaustive])
@pytest.mark.parametrize(
    ("mode", "violates", "schedules"),
    [
        ("autocommit", True, (3, 6)),
        # Both read before either commits; the second UPDATE waits for the first one's transaction.
        ("transaction", True, (5, 14)),
        ("for-update", False, (3, 6)),
        # The second is refused with 40001 and answers 500 without a trace: an abort, and no race.
        ("serializable", False, (7, 14)),
    ],
)
def test_two_buyers(
    server: Postgres,
    tmp_path: Path,
    mode: str,
    violates: bool,
    schedules: tuple[int, int],
    strategy: type[Strategy],
) -> None:
    _, result = explored(server, tmp_path, mode, BUY, BUY, strategy=strategy)
    assert result.complete, result.reason
    assert result.verdict == ("violation" if violates else "ok"), result.reason
    assert result.schedules == schedules[strategy is Exhaustive]


def test_three_buyers_queue_for_one_lock(server: Postgres, tmp_path: Path) -> None:
    # Whoever waits second waits for whoever waits first, in either order of their numbers.
    _, result = explored(server, tmp_path, "for-update", BUY, BUY, BUY)
    assert result.complete, result.reason
    assert (result.verdict, result.schedules) == ("ok", 9)


def test_a_deadlock_is_an_outcome(server: Postgres, tmp_path: Path) -> None:
    ab, ba = Request("POST", "/touch/lamp/chair"), Request("POST", "/touch/chair/lamp")
    search, result = explored(server, tmp_path, "deadlock", ab, ba)
    assert result.complete, result.reason
    assert any("500 failed" in outcome.responses for outcome in search._states)
    assert result.verdict == "ok"


def test_a_pool_of_one_is_no_pass(server: Postgres, tmp_path: Path) -> None:
    _, result = explored(server, tmp_path, "pool-of-one", BUY, BUY)
    assert (result.complete, result.verdict) == (False, "unknown")


def test_hidden_effects_make_every_two_statements_dependent(server: Postgres, tmp_path: Path) -> None:
    url = server.database("distrusted")
    application = Unmodified("pg_shop", (sys.executable, str(SHOP), "trigger"), Path.cwd())
    gate = PostgresGate(url)
    with StatementTarget(application, gate, Store(tmp_path)) as target:
        target.restart()
        assert gate.distrusted
        assert "triggers" in " ".join(gate.bounds)


@pytest.mark.alone  # what an answer leaves behind comes when it comes
@pytest.mark.parametrize("mode", ["chatty", "detached"])
def test_what_goes_on_beside_the_requests_is_told_apart(server: Postgres, tmp_path: Path, mode: str) -> None:
    _, result = explored(server, tmp_path, mode, BUY, BUY)
    assert result.complete, result.reason
    assert result.verdict == "violation"
    # What is left behind is a step of its request; what nobody asked for is none.
    assert (result.points > 4) == (mode == "detached")


def test_an_application_that_insists_on_tls_gets_it(server: Postgres, tmp_path: Path) -> None:
    _, result = explored(server, tmp_path, "encrypting", BUY, BUY)
    assert (result.complete, result.verdict, result.schedules) == (True, "violation", 3)


def test_an_application_that_verifies_certificates_is_refused(server: Postgres, tmp_path: Path) -> None:
    application = Unmodified("pg_shop", (sys.executable, str(SHOP), "verifying"), Path.cwd())
    gate = PostgresGate(server.database("verifying"))
    with (
        StatementTarget(application, gate, Store(tmp_path)) as target,
        pytest.raises(TargetError, match="verify-ca and verify-full do not"),
    ):
        target.restart()


@pytest.mark.parametrize("user", ["deadheat", "guest"])
def test_who_closes_a_circle_is_refused_and_a_slow_detector_told(
    server: Postgres, tmp_path: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So slow that the first one would find the circle, did nobody wait until it has looked for one.
    monkeypatch.setattr("deadheat.io.pg_proxy.DETECTS", "deadlock_timeout=100ms")
    monkeypatch.setattr("deadheat.engine.statements.postgres._DETECTED", 0.4)
    url = server.database(f"touched_by_{user}")
    if user == "guest":
        server.sql("CREATE ROLE guest LOGIN")
        server.sql("GRANT ALL ON SCHEMA public TO guest", f"touched_by_{user}")
    application = Unmodified("pg_shop", (sys.executable, str(SHOP), "deadlock"), Path.cwd())
    gate = PostgresGate(url.replace("deadheat@", f"{user}@"))
    touches = (Request("POST", "/touch/lamp/chair"), Request("POST", "/touch/chair/lamp"))
    with StatementTarget(application, gate, Store(tmp_path)) as target:
        target.reset(Reset.REQUESTS, (Request("POST", "/reset"),))
        # Both have one row; the first one begins to wait, and the second one closes the circle.
        seen = target.concurrent(touches, Proposal((0, 1, 0, 1)))
        answers = [response and response.status for response in seen.observation.responses]
        told = "may not set deadlock_timeout" in " ".join(gate.bounds)
    if user == "guest":
        assert (sorted(map(str, answers)), told) == (["200", "500"], True)
    else:
        assert (answers, told) == ([200, 500], False)
