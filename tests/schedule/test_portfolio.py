"""A budget divided: exhaustion where it fits, samplers side by side where it does not."""

import pytest

from deadheat.schedule import STRATEGIES, Portfolio, Problem
from deadheat.schedule.symmetry import twins_of
from tests.schedule.programs import Machine, Program

INCREMENT = (("read", 0), ("write", 0))
TWO: Program = (INCREMENT, INCREMENT)
FIVE: Program = (INCREMENT * 2,) * 5


def explored(program: Program, name: str, budget: int, *, bound: int | None = None) -> Portfolio:
    problem = Problem(len(program), bound=bound)
    portfolio = Portfolio(STRATEGIES, name, problem, budget)
    machine = Machine(program)
    for lane, proposal in portfolio.turns():
        if portfolio.observe(lane, machine.run(proposal)):
            lane.count(violating=False)
    return portfolio


def runs(portfolio: Portfolio) -> dict[str, int]:
    return {lane.strategy.words: lane.schedules for lane in portfolio.lanes}


def test_what_fits_the_budget_is_exhausted_and_nothing_else_is_run() -> None:
    portfolio = explored(TWO, "auto", 1_000)
    assert portfolio.complete
    assert runs(portfolio) == {"source-DPOR with sleep sets": 4}


def test_what_does_not_fit_is_sampled_side_by_side_for_a_fifth() -> None:
    portfolio = explored(FIVE, "auto", 600)
    assert not portfolio.complete
    used = runs(portfolio)
    assert sum(used.values()) == 600
    assert used.pop("source-DPOR with sleep sets") == 480
    assert used == dict.fromkeys(
        ("PCT depth 2", "PCT depth 3", "SURW", "POS", "random walk", "preemption bounds"), 20
    )
    (pct,) = (lane for lane in portfolio.lanes if lane.strategy.words == "PCT depth 2")
    assert pct.chance is not None
    assert (pct.chance.steps, pct.chance.schedules) == (20, 20), "it knew how many steps there are"
    assert portfolio.bound is None, "20 of the 120 orders without preemption"
    assert portfolio.unfinished == "the budget of 600 schedules is used up"


def test_exhaustion_goes_on_after_the_samples() -> None:
    portfolio = explored((INCREMENT,) * 3, "auto", 100)
    assert portfolio.complete
    assert runs(portfolio)["source-DPOR with sleep sets"] == 36
    assert runs(portfolio)["SURW"] in {3, 4}


@pytest.mark.parametrize("budget", [1, 2, 5, 9])
def test_a_small_budget_is_kept(budget: int) -> None:
    assert sum(runs(explored(FIVE, "auto", budget)).values()) == budget


def test_a_sampler_alone_never_completes() -> None:
    portfolio = explored(TWO, "pct", 50)
    assert runs(portfolio) == {"PCT depth 2": 25, "PCT depth 3": 25}
    assert not portfolio.complete
    assert portfolio.unfinished == "orders were sampled, which never exhausts them"


def test_a_bound_is_said_when_it_was_reached() -> None:
    portfolio = explored(FIVE, "auto", 100_000, bound=0)
    assert (portfolio.complete, portfolio.bound) == (False, 0)
    assert runs(portfolio) == {"preemption bounds": 120}
    assert portfolio.unfinished == "only orders with at most 0 preemptions were asked for"
    cut = explored(FIVE, "auto", 100, bound=0)
    assert (cut.bound, cut.unfinished) == (None, "the budget of 100 schedules is used up")


def test_a_bound_beyond_all_orders_is_complete() -> None:
    portfolio = explored(TWO, "auto", 1_000, bound=9)
    assert portfolio.complete
    assert runs(portfolio) == {"preemption bounds": 6}


def test_twins_are_for_what_exhausts() -> None:
    problem = Problem(2, twins_of([0, 0]))
    portfolio = Portfolio(STRATEGIES, "source-dpor", problem, 100)
    machine = Machine(TWO)
    for lane, proposal in portfolio.turns():
        lane.strategy.observe(machine.run(proposal))
        lane.count(violating=lane.schedules == 1)
    (lane,) = portfolio.lanes
    assert (lane.schedules, lane.violating, lane.first) == (3, 1, 2)
