"""On real Rocket: releases park where they should, holds force, limits hold."""

from collections.abc import Iterator

import pytest

from benchmarks._spread import Running, spread
from deadheat.engine.attack.hold import hold
from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import Gate, Origin, Request, Version
from deadheat.wire import PLANS, choose

pytestmark = [pytest.mark.rocket, pytest.mark.alone]
BODY = b"0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module", params=["cleartext", "tls"])
def origin(request: pytest.FixtureRequest) -> Iterator[Origin]:
    with spread(tls=request.param == "tls", profile="dev") as running:
        yield at(running)


def at(running: Running) -> Origin:
    return Origin(running.scheme, running.host, running.port, ca=running.ca)


def test_rocket_speaks_both_versions_and_confirms_with_100(origin: Origin) -> None:
    facts = probe(origin)
    assert facts.versions == (Version.H2, Version.H1)
    assert facts.continues is True
    assert facts.streams is None
    # The default until the server has widened it, which may come a moment after the probe.
    assert facts.window >= 65_535
    assert str(choose(facts, [Request("GET", "/arrive")] * 20, origin)) == "h2/whole"


@pytest.mark.parametrize("plan", sorted(PLANS))
@pytest.mark.parametrize("version", [Version.H1, Version.H2])
@pytest.mark.parametrize("racer", [Request("GET", "/arrive"), Request("POST", "/arrive", body=BODY)])
def test_every_plan_is_answered_by_every_handler(
    origin: Origin, version: Version, plan: str, racer: Request
) -> None:
    with Releaser(origin, version) as releaser:
        for _ in range(3):
            taken = releaser.round([racer] * 20, PLANS[plan])
            assert [shot.response.status for shot in taken.shots if shot.response] == [200] * 20
            assert taken.note == ""
        assert releaser.connections == (1 if version is Version.H2 else 20)


@pytest.mark.parametrize("version", [Version.H1, Version.H2])
def test_a_guard_to_handler_race_is_forced_by_holding(origin: Origin, version: Version) -> None:
    with Releaser(origin, version) as releaser:
        for number in range(5):
            base = 1_000 * (1 + [Version.H1, Version.H2].index(version)) + number
            spend = Request("POST", f"/spend/{base}", body=BODY)
            revoke = Request("POST", f"/revoke/{base}")
            taken = hold(releaser, spend, (revoke,))
            assert taken.forced
            assert taken.held.response is not None
            assert taken.held.response.text == f"{len(BODY)} bytes, after the revocation"
            spend, revoke = (
                Request("POST", f"/{name}/{base + 500}", body=BODY) for name in ("spend", "revoke")
            )
            before = hold(releaser, spend, (revoke,), gate=Gate.START)
            assert before.forced
            assert before.held.response is not None
            assert before.held.response.status == 403


def test_a_thousand_streams_are_released_at_once(origin: Origin) -> None:
    with Releaser(origin, Version.H2) as releaser:
        taken = releaser.round([Request("POST", "/arrive", body=BODY)] * 1_000, PLANS["last-byte"])
    assert all(shot.response and shot.response.status == 200 for shot in taken.shots)
    assert taken.spread == 0
