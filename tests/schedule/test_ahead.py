"""What a strategy guesses that it will propose next: no guess changes the search, and sure ones come true."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.schedule import (
    STRATEGIES,
    Bounded,
    Exhaustive,
    Pct,
    Portfolio,
    Pos,
    Problem,
    Proposal,
    RandomWalk,
    SourceDpor,
    Strategy,
    Surw,
)
from tests.schedule.programs import Machine, Program
from tests.schedule.test_dpor import programs

MAKES: list[Callable[[Problem], Strategy]] = [
    Exhaustive, SourceDpor, Bounded, RandomWalk, Pos, Surw, Pct, lambda problem: Pct(problem, 3),
]  # fmt: skip
MOST = 40


def searched(
    program: Program, strategy: Strategy, counts: Callable[[], int]
) -> Iterator[tuple[Proposal, list[Proposal]]]:
    """Give each proposal with what was guessed ahead while it ran, for a bounded while."""
    machine = Machine(program)
    for _ in range(MOST):
        proposal = strategy.propose()
        if proposal is None:
            return
        yield proposal, list(strategy.ahead(counts()))
        strategy.observe(machine.run(proposal))


@settings(max_examples=60)
@given(programs(), st.sampled_from(MAKES), st.randoms(use_true_random=False))
def test_a_search_goes_the_same_way_whatever_is_guessed_ahead(
    program: Program, make: Callable[[Problem], Strategy], chance: object
) -> None:
    count = getattr(chance, "randint")  # noqa: B009 - hypothesis' random has no type of its own
    problem = Problem(len(program))
    blind = [proposal for proposal, _ in searched(program, make(problem), lambda: 0)]
    seeing = [proposal for proposal, _ in searched(program, make(problem), lambda: count(0, 5))]
    if make is Surw:  # its draws ahead are with what had been counted by then
        assert [each.policy and each.policy.seed for each in blind] == [
            each.policy and each.policy.seed for each in seeing
        ]
    else:
        assert blind == seeing


@settings(max_examples=60)
@given(programs(), st.sampled_from([Bounded, RandomWalk, Pos, Surw]))
def test_these_know_what_they_propose_next(program: Program, make: Callable[[Problem], Strategy]) -> None:
    steps = list(searched(program, make(Problem(len(program))), lambda: 3))
    for index, (_, guessed) in enumerate(steps):
        coming = [proposal for proposal, _ in steps[index + 1 : index + 1 + len(guessed)]]
        assert guessed[: len(coming)] == coming


@settings(max_examples=60)
@given(programs())
def test_source_dpor_guesses_right_where_no_race_is_new(program: Program) -> None:
    steps = list(searched(program, SourceDpor(Problem(len(program))), lambda: 1))
    for (_, guessed), (proposal, _) in pairwise(steps):
        # A deeper state than the guess's is one that the execution added, and so is another choice in it.
        wrong = [guess for guess in guessed if guess != proposal]
        assert all(len(proposal.prefix) >= len(guess.prefix) for guess in wrong)


def test_source_dpor_knows_the_last_orders_of_a_lost_update() -> None:
    increment = (("read", 0), ("write", 0))
    steps = list(searched((increment, increment), SourceDpor(), lambda: 1))
    right = [guess for (_, guess), (proposal, _) in pairwise(steps) if guess == [proposal]]
    assert right
    assert steps[-1][1] == []


def test_a_promise_counts_nothing_that_was_drawn_below_fewer_steps() -> None:
    sampler = Pct(Problem(2))
    program: Program = ((("read", 0), ("write", 0)),) * 2
    sampler.reach(1)
    drawn = sampler.ahead(4)
    sampler.observe(Machine(program).run(sampler.propose()))
    again = sampler.ahead(4)
    assert [each.policy and each.policy.seed for each in again] != [
        each.policy and each.policy.seed for each in drawn
    ]
    assert all(max(each.policy.changes) < 4 for each in again if each.policy)


@pytest.mark.parametrize("name", ["auto", "source-dpor", "pct", "walk", "bounded"])
def test_what_is_asked_side_by_side_is_guessed_in_turn(name: str) -> None:
    machine = Machine(((("read", 0), ("write", 0), ("read", 1)),) * 3)
    portfolio = Portfolio(STRATEGIES, name, Problem(3), 60)
    right, guesses = 0, 0
    before: list[Proposal] = []
    for lane, proposal in portfolio.turns():
        guesses += bool(before)
        right += before[:1] == [proposal]
        before = list(portfolio.ahead(6))
        portfolio.observe(lane, machine.run(proposal))
        lane.count(violating=False)
    assert guesses
    assert right >= guesses / (3 if name in {"auto", "source-dpor"} else 1.25)
