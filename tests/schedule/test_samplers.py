"""Samplers: what they propose can be done, nothing is out of their reach, and PCT keeps its promise."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deadheat.schedule import (
    Chance,
    End,
    Exhaustive,
    Kind,
    Pct,
    Policy,
    Pos,
    Problem,
    Proposal,
    RandomWalk,
    Sampler,
    Surw,
)
from deadheat.schedule.policy import SplitMix
from tests.schedule.programs import Instruction, Machine, Program
from tests.schedule.test_dpor import programs

VECTORS = Path(__file__).parents[2] / "crates/deadheat-probe/src/control/tests/policies.txt"
KINDS = {"r": "read", "w": "write", "l": "lock"}
SAMPLERS: list[Callable[[Problem], Sampler]] = [RandomWalk, Pos, Surw, Pct, lambda p: Pct(p, 3)]
INCREMENT: tuple[Instruction, ...] = (("read", 0), ("write", 0))


def sample(machine: Machine, sampler: Sampler, times: int) -> list[tuple[int, ...]]:
    orders = []
    for _ in range(times):
        trace = machine.run(sampler.propose())
        assert trace.end in {End.DONE, End.STUCK}, "every schedule is feasible"
        assert sampler.observe(trace)
        orders.append(trace.order)
    return orders


@settings(max_examples=40)
@given(programs(), st.sampled_from(SAMPLERS), st.integers(0, 2**64))
def test_whatever_is_sampled_is_an_order_of_the_program(
    program: Program, make: Callable[[Problem], Sampler], seed: int
) -> None:
    machine = Machine(program)
    everything = {trace.order for trace in Machine(program).explore(Exhaustive())}
    assert set(sample(machine, make(Problem(len(program), seed=seed)), 20)) <= everything


@settings(max_examples=25)
@given(programs(max_actors=2), st.sampled_from([RandomWalk, Pos, Surw]))
def test_no_trace_is_out_of_reach(program: Program, make: Callable[[Problem], Sampler]) -> None:
    everything = Machine(program)
    assume(sum(1 for _ in everything.explore(Exhaustive())) <= 20)
    machine = Machine(program)
    sample(machine, make(Problem(len(program))), 1_000)
    assert machine.traces == everything.traces


@pytest.mark.parametrize("length", [1, 4, 8])
def test_pct_shows_a_lost_update_at_least_as_often_as_promised(length: int) -> None:
    """Depth 2: A reads, B comes in between, A writes; with ever more steps that do not matter."""
    idle: tuple[Instruction, ...] = (("read", 1),) * length
    program: Program = ((*idle, *INCREMENT, *idle), (*idle, *INCREMENT))
    sampler = Pct(Problem(2, seed=5))
    times, hits = 3_000, 0
    for _ in range(times):
        machine = Machine(program)
        sampler.observe(machine.run(sampler.propose()))
        ((seen, _, _),) = machine.outcomes
        assert isinstance(seen, tuple)
        hits += [values[length] for values in seen] == [None, None]
    chance = sampler.chance
    assert chance is not None
    assert chance == Chance(2, 1 / (2 * (3 * length + 4)), times - 1, 3 * length + 4)
    assert hits / times >= chance.least, (hits / times, chance)


def test_pct_shows_a_race_of_depth_3_at_least_as_often_as_promised() -> None:
    """As `price-cache`: B reads between A's two writes, and writes after them."""
    program: Program = (
        (("read", 3), ("write", 0), ("write", 1), ("write", 0)),
        (("read", 0), ("read", 1), ("write", 0)),
    )
    two, three = Pct(Problem(2, seed=5), 2), Pct(Problem(2, seed=5), 3)
    hits = dict.fromkeys((2, 3), 0)
    for sampler in (two, three):
        for _ in range(2_000):
            machine = Machine(program)
            sampler.observe(machine.run(sampler.propose()))
            ((seen, memory, _),) = machine.outcomes
            assert isinstance(seen, tuple)
            late = dict(memory)[0] == (1, 2)  # type: ignore[call-overload]
            hits[sampler.depth] += late and seen[1] == ((0, 1), None)
    assert hits[2] == 0, "one change point is not enough for two gaps"
    assert three.chance is not None
    assert hits[3] / 2_000 >= three.chance.least == 1 / (2 * 7**2)


def test_a_promise_says_what_may_have_been_missed() -> None:
    assert Chance(2, 0.25, 2, 2).missed == pytest.approx(0.5625)
    assert Chance(2, 0.25, 0, 2).missed == 1
    fresh = Pct(Problem(2))
    machine = Machine((INCREMENT, INCREMENT))
    promised = [fresh.chance]
    for _ in range(2):
        fresh.observe(machine.run(fresh.propose()))
        promised.append(fresh.chance)
    # The first did not know yet how many steps there are.
    assert promised == [None, Chance(2, 1 / 8, 0, 4), Chance(2, 1 / 8, 1, 4)]


def test_surw_makes_orders_of_suspected_steps_equally_likely() -> None:
    """Ten steps that nobody suspects before A's two do not make B's two come first more often."""
    idle: tuple[Instruction, ...] = (("read", 1),) * 10
    program: Program = ((*idle, ("write", 0), ("write", 0)), (("write", 0), ("write", 0)))
    sampler = Surw(Problem(2, seed=3, suspects=frozenset({1})))
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(3_000):
        trace = Machine(program).run(sampler.propose())
        sampler.observe(trace)
        counts[tuple(step.actor for step in trace.steps if step.op.resource == 1)] += 1
    assert len(counts) == 6
    assert all(400 < count < 600 for count in counts.values()), counts


def test_surw_learns_what_is_contended_where_nothing_is_suspected() -> None:
    sampler = Surw(Problem(2))
    machine = Machine(((("read", 1), *INCREMENT), (("read", 1), *INCREMENT)))
    sample(machine, sampler, 2)
    policy = sampler.policy(0)
    assert policy.interesting == {1}
    assert policy.counts == (2, 2)


def test_the_same_seed_draws_the_same() -> None:
    for make in SAMPLERS:
        drawn = [sample(Machine((INCREMENT,) * 3), make(Problem(3, seed=9)), 20) for _ in range(2)]
        assert drawn[0] == drawn[1]
        assert drawn[0] != sample(Machine((INCREMENT,) * 3), make(Problem(3, seed=10)), 20)


def test_a_policy_in_the_words_of_the_protocol() -> None:
    assert str(Policy(Kind.WALK, 7)) == "walk:7"
    assert str(Policy(Kind.POS, 0)) == "pos:0"
    assert str(Policy(Kind.PCT, 7, (3, 9))) == "pct:7:3,9"
    assert str(Policy(Kind.PCT, 7)) == "pct:7:-"
    assert str(Policy(Kind.SURW, 7, counts=(2, 1), interesting=frozenset({4, 3}))) == "surw:7:2,1:3,4"


def test_chance_is_splitmix64() -> None:
    """The first numbers of the authors' program, seeded with 1234567."""
    random = SplitMix(1234567)
    assert [random.draw() for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def vectors() -> list[tuple[Policy, Program, tuple[int, ...]]]:
    """A policy, a program (`r0w0|l1w0`: actors, their steps) and the order it gives, a line each."""
    found = []
    for line in VECTORS.read_text().splitlines():
        if line.startswith("#"):
            continue
        words, text, order = line.split(" ")
        program = tuple(
            tuple((KINDS[actor[at]], int(actor[at + 1])) for at in range(0, len(actor), 2))
            for actor in text.split("|")
        )
        found.append((policy(words), program, tuple(map(int, order))))
    return found


def policy(words: str) -> Policy:
    kind, seed, *lists = words.split(":")
    numbers = [tuple(map(int, text.split(","))) if text != "-" else () for text in lists]
    if kind == Kind.PCT:
        return Policy(Kind.PCT, int(seed), numbers[0])
    if kind == Kind.SURW:
        return Policy(Kind.SURW, int(seed), (), numbers[0], frozenset(numbers[1]))
    return Policy(Kind(kind), int(seed))


def test_the_shared_vectors() -> None:
    """The Rust runtime and the embedded one are tested against the same file."""
    assert len(vectors()) > 50
    for chosen, program, order in vectors():
        assert Machine(program).run(Proposal(policy=chosen)).order == order, chosen


@settings(max_examples=40)
@given(programs(), st.sampled_from(SAMPLERS), st.integers(0, 2**64), st.integers(0, 12))
def test_an_order_that_is_begun_again_stays_the_same(
    program: Program, make: Callable[[Problem], Sampler], seed: int, known: int
) -> None:
    machine, sampler = Machine(program), make(Problem(len(program), seed=seed))
    sample(machine, sampler, 3)
    proposal = sampler.propose()
    order = machine.run(proposal).order
    assert machine.run(proposal._replace(prefix=order[:known])).order == order
