"""Power: requests that the application sends to itself give what requests of our own do, order by order."""

from collections.abc import Sequence

import pytest

from deadheat.engine.laps import AHEAD
from deadheat.engine.target import Observed, Target
from deadheat.model import Request, Reset
from deadheat.oracle import Canon
from deadheat.schedule import End, Problem, Proposal, SourceDpor
from tests.power.test_samplers import target

pytestmark = pytest.mark.rocket

VISITS = (Request("GET", "/increment"),) * 2
TRANSFERS = (Request("POST", "/to-savings"), Request("POST", "/to-checking"))


def observed(
    target: Target,
    requests: tuple[Request, ...],
    proposal: Proposal,
    probes: tuple[Request, ...],
    ahead: Sequence[Proposal],
) -> Observed:
    """Run it from the marked values."""
    target.reset(Reset.SNAPSHOT)
    return target.concurrent(requests, proposal, probes, ahead)


@pytest.mark.parametrize(
    ("application", "requests", "probes"),
    [("active-users", VISITS, (Request("GET", "/nowhere"),)), ("deadlock", TRANSFERS, ())],
)
def test_every_order_gives_the_same_either_way(
    application: str,
    requests: tuple[Request, ...],
    probes: tuple[Request, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    canon = Canon()
    with target(application) as (_, running):
        running.prepare(())
        running.restart()
        observed(running, requests, Proposal(), probes, ())  # so that the next one begins from marked values
        assert running._laps is not None
        strategy = SourceDpor(Problem(2))
        ends = set()
        while (proposal := strategy.propose()) is not None:
            inside = observed(running, requests, proposal, probes, strategy.ahead(AHEAD))
            end = inside.execution.trace.end
            if end is End.STUCK:
                assert running.confirm_stuck()
            with monkeypatch.context() as patch:
                patch.setattr(Target, "_lapping", lambda *_: None)
                outside = observed(running, requests, proposal, probes, ())
                if end is End.STUCK:
                    assert running.confirm_stuck()
            assert inside.execution == outside.execution
            assert inside.stuck == outside.stuck
            if end is End.DONE:
                assert canon.outcome(inside.observation) == canon.outcome(outside.observation)
            ends.add(end)
            strategy.observe(inside.execution.trace)
        assert ends == {End.DONE} | ({End.STUCK} if application == "deadlock" else set())
