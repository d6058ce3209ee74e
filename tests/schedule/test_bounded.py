"""Iterative context bounding against brute force: each order once, by its number of preemptions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.schedule import Bounded, Exhaustive, Problem, Trace
from tests.schedule.programs import Machine, Program
from tests.schedule.test_dpor import programs


def preemptions(trace: Trace) -> int:
    pairs = zip(trace.steps, trace.steps[1:], strict=False)
    return sum(one.actor != other.actor and one.actor in other.enabled for one, other in pairs)


@settings(max_examples=50)
@given(programs())
def test_without_a_bound_every_order_is_executed_once_and_cheap_ones_first(program: Program) -> None:
    brute = list(Machine(program).explore(Exhaustive()))
    strategy = Bounded(Problem(len(program)))
    found = list(Machine(program).explore(strategy))
    assert sorted(trace.order for trace in found) == sorted(trace.order for trace in brute)
    costs = [preemptions(trace) for trace in found]
    assert costs == sorted(costs)
    assert strategy.exhausted
    assert strategy.completed == max(costs)


@settings(max_examples=50)
@given(programs(), st.integers(0, 2))
def test_a_bound_is_all_orders_within_it(program: Program, bound: int) -> None:
    within = {t.order for t in Machine(program).explore(Exhaustive()) if preemptions(t) <= bound}
    strategy = Bounded(Problem(len(program), bound=bound))
    assert {trace.order for trace in Machine(program).explore(strategy)} == within
    assert strategy.exhausted or strategy.completed == bound


def test_a_bound_that_was_not_finished_is_not_claimed() -> None:
    strategy = Bounded()
    machine = Machine(((("read", 0), ("write", 0)),) * 3)
    assert strategy.completed is None
    without = machine.explore(strategy)
    for _ in range(6):
        assert strategy.completed is None
        next(without)
    next(without)
    assert strategy.completed == 0
