"""Identical actors: one order of each renamed group, and nothing lost by it, against brute force."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.schedule import Bounded, Exhaustive, Problem, SourceDpor, Strategy, renaming, representatives
from deadheat.schedule.symmetry import twins_of
from tests.schedule.programs import Instruction, Machine, Outcome, Program
from tests.schedule.test_dpor import instructions

Renaming = tuple[int, ...]


def with_twins(max_steps: int = 3) -> st.SearchStrategy[Program]:
    """Two or three actors of at most two programs, so that some are identical."""
    kinds = st.lists(
        st.lists(instructions, min_size=1, max_size=max_steps).map(tuple), min_size=1, max_size=2
    )
    return kinds.flatmap(lambda some: st.lists(st.sampled_from(some), min_size=2, max_size=3).map(tuple))


def renamings(program: Program) -> list[Renaming]:
    """Every renaming of actors that leaves each its program."""
    actors = range(len(program))
    return [r for r in permutations(actors) if all(program[r[actor]] == program[actor] for actor in actors)]


def renamed(outcome: Outcome, new: Renaming) -> Outcome:
    seen, memory, alive = outcome

    def write(value: object) -> object:
        return (new[value[0]], value[1]) if isinstance(value, tuple) else value

    assert isinstance(seen, tuple)
    assert isinstance(memory, tuple)
    assert isinstance(alive, tuple)
    reads: list[object] = [()] * len(seen)
    for actor, values in enumerate(seen):
        reads[new[actor]] = tuple(map(write, values))
    return (
        tuple(reads),
        tuple((resource, write(value)) for resource, value in memory),
        tuple(sorted(new[actor] for actor in alive)),
    )


def explored(program: Program, strategy: Strategy) -> Machine:
    machine = Machine(program)
    for _ in machine.explore(strategy):
        pass
    return machine


@settings(max_examples=120)
@given(with_twins())
def test_every_outcome_and_every_deadlock_is_found_up_to_names(program: Program) -> None:
    everything = explored(program, Exhaustive())
    problem = Problem(len(program), twins_of(program))
    for strategy in (SourceDpor(problem), Bounded(problem)):
        reduced = explored(program, strategy)
        found = {renamed(o, names) for o in reduced.outcomes for names in renamings(program)}
        assert found == everything.outcomes


@settings(max_examples=50)
@given(with_twins())
def test_no_more_executions_than_without(program: Program) -> None:
    plain = explored(program, SourceDpor())
    reduced = explored(program, SourceDpor(Problem(len(program), twins_of(program))))
    # The first execution takes turns, and where somebody ends early it may let a later twin begin first.
    assert reduced.runs <= plain.runs + 1


@pytest.mark.parametrize(
    ("actor", "orders"),
    [
        ((("write", 0), ("write", 0)), (90, 15)),
        # First steps that commute can come in any order, and there is less to refuse.
        ((("read", 0), ("write", 0)), (36, 15)),
    ],
)
def test_three_identical_actors(actor: tuple[Instruction, ...], orders: tuple[int, int]) -> None:
    three = (actor,) * 3
    plain = explored(three, SourceDpor())
    assert (plain.runs, explored(three, SourceDpor(Problem(3, twins_of(three)))).runs) == orders


def test_who_is_whose_twin() -> None:
    assert twins_of(["a", "b", "a", "a"]) == {2: 0, 3: 2}
    assert list(representatives(3, {1: 0, 2: 1})) == [(0, 1, 2)]
    assert list(representatives(3, {2: 0})) == [(0, 1, 2), (0, 2, 1), (1, 0, 2)]


@given(st.permutations(range(5)), st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_an_order_is_the_renaming_of_its_representative(order: list[int], kinds: list[int]) -> None:
    twins = twins_of(kinds)
    parts = renaming(order, twins)
    assert sorted(parts) == list(range(5))
    assert all(kinds[part] == kinds[actor] for actor, part in enumerate(parts))
    assert tuple(parts[actor] for actor in order) in set(representatives(5, twins))
