"""The reference scheduler against brute force: it follows orders exactly, and tells ends truly."""

from collections.abc import Iterator
from typing import cast

import pytest
from deadheat_embedded.policy import Chooser, Policy
from deadheat_embedded.protocol import MAX_ACTORS, Order, Points, encode, listed, parse, racer, record
from deadheat_embedded.scheduler import HUNG_AFTER, End, Ended, Go, Released, Scheduler
from hypothesis import given
from hypothesis import strategies as st

from deadheat.schedule import Choice, Exhaustive, Op, Proposal, SourceDpor, Strategy, Trace, TraceStep
from deadheat.schedule import End as SearchEnd
from deadheat.schedule.policy import Chooser as Reference
from tests.schedule import programs as programs_module
from tests.schedule.programs import Machine
from tests.schedule.test_samplers import vectors

Section = tuple[int, ...]
"""Places locked one inside the other, all released at the end."""

Program = tuple[Section, ...]

sections = st.sampled_from([(1,), (2,), (1, 2), (2, 1)])
programs = st.lists(st.lists(sections, max_size=2).map(tuple), min_size=1, max_size=2)
three = st.lists(st.lists(st.sampled_from([(1,), (2,)]), max_size=1).map(tuple), min_size=3, max_size=3)


def acquisitions(program: Program) -> list[tuple[int, bool]]:
    """The lock each step takes, and whether it ends the section: then all are released."""
    return [(place, place is section[-1]) for section in program for place in section]


def orders(programs: list[Program]) -> Iterator[tuple[int, ...]]:
    """Every complete or deadlocked order of steps, by brute force."""

    def go(done: tuple[int, ...], owner: dict[int, int]) -> Iterator[tuple[int, ...]]:
        moved = False
        for actor, program in enumerate(programs):
            todo = acquisitions(program)[done.count(actor) :]
            if not todo or todo[0][0] in owner:
                continue
            moved = True
            place, last = todo[0]
            after = {p: a for p, a in {**owner, place: actor}.items() if not (last and a == actor)}
            yield from go((*done, actor), after)
        if not moved:
            yield done

    return go((), {})


class Waiting:
    """An actor held at a lock of the simulated application."""

    def __init__(self, owner: dict[int, int], place: int, actor: int) -> None:
        self._owner = owner
        self.place = place
        self.actor = actor
        self.point = place

    def free(self) -> bool:
        return self.place not in self._owner

    def value(self) -> str:
        return str(self._owner.get(self.place, ""))


def execute(
    programs: list[Program],
    prefix: tuple[int, ...] = (),
    asleep: frozenset[int] = frozenset(),
    policy: Policy | None = None,
) -> Ended:
    """Run simulated requests under the scheduler; time passes when nothing else happens."""
    scheduler: Scheduler[Waiting] = Scheduler()
    owner: dict[int, int] = {}
    position = [0] * len(programs)
    ended: list[Ended] = []

    def proceed(actor: int) -> None:
        todo = acquisitions(programs[actor])[position[actor] :]
        if todo:
            assert scheduler.hold(1, actor, Waiting(owner, todo[0][0], actor))
        else:
            scheduler.answer(1, actor)

    def take(held: Waiting) -> None:
        place, last = acquisitions(programs[held.actor])[position[held.actor]]
        assert held.free()
        owner[place] = held.actor
        position[held.actor] += 1
        if last:
            for mine in [place for place, holder in owner.items() if holder == held.actor]:
                del owner[mine]
        proceed(held.actor)

    scheduler.announce(Order(1, len(programs), prefix, asleep, policy))
    for actor in range(len(programs)):
        scheduler.arrive(1, actor)
    for actor in range(len(programs)):
        proceed(actor)
    for _ in range(10 * HUNG_AFTER):
        for effect in scheduler.take_effects():
            match effect:
                case Go(held):
                    take(held)
                case Ended():
                    ended.append(effect)
                case Released():
                    raise AssertionError("nobody asked")
        if ended:
            assert scheduler.interval is None
            (only,) = ended
            return only
        scheduler.tick()
    raise AssertionError("it never ended")


def order_of(ended: Ended) -> tuple[int, ...]:
    return tuple(step.actor for step in ended.steps)


def complete(programs: list[Program], order: tuple[int, ...]) -> bool:
    return len(order) == sum(len(acquisitions(program)) for program in programs)


def search(strategy: Strategy, programs: list[Program]) -> set[tuple[int, ...]]:
    """The orders that a real search visits with this scheduler underneath."""
    visited = set()
    while (proposal := strategy.propose()) is not None:
        ended = execute(programs, proposal.prefix, proposal.sleep)
        strategy.observe(
            Trace(
                tuple(
                    TraceStep(s.actor, Op(s.point, True, s.place), frozenset(s.enabled), s.point)
                    for s in ended.steps
                ),
                SearchEnd(ended.end),
                tuple((actor, Op(point, True, place)) for actor, point, place in ended.pending),
            )
        )
        if ended.end is not End.REDUNDANT:
            visited.add(order_of(ended))
    return visited


@given(programs)
def test_every_order_is_followed_to_the_letter(programs: list[Program]) -> None:
    for order in orders(programs):
        ended = execute(programs, order)
        assert order_of(ended) == order
        assert ended.end is (End.DONE if complete(programs, order) else End.STUCK)
        assert bool(ended.pending) is (ended.end is End.STUCK)
        assert all(step.actor in step.enabled for step in ended.steps)


@given(programs)
def test_exhaustive_search_visits_what_brute_force_does(programs: list[Program]) -> None:
    assert search(Exhaustive(), programs) == set(orders(programs))


def classes(programs: list[Program], visited: set[tuple[int, ...]]) -> set[tuple[tuple[int, ...], ...]]:
    """Orders up to swaps of independent steps: who took each lock, in turn."""
    result = set()
    for order in visited:
        position = [0] * len(programs)
        turns: dict[int, list[int]] = {1: [], 2: []}
        for actor in order:
            turns[acquisitions(programs[actor])[position[actor]][0]].append(actor)
            position[actor] += 1
        result.add(tuple(tuple(turn) for turn in turns.values()))
    return result


@given(st.one_of(programs, three))
def test_reduced_search_visits_every_class(programs: list[Program]) -> None:
    assert classes(programs, search(SourceDpor(), programs)) == classes(programs, set(orders(programs)))


def test_without_orders_the_last_goes_on_and_else_the_lowest() -> None:
    sections: Program = ((1,), (2,))
    assert order_of(execute([sections, sections, sections])) == (0, 0, 1, 1, 2, 2)
    assert order_of(execute([sections, sections, sections], (1,))) == (1, 1, 0, 0, 2, 2)
    assert execute([((1,),), ((1,),)], (), frozenset({0})).steps[0].actor == 1


@given(programs, st.frozensets(st.integers(0, 2)))
def test_who_sleeps_is_not_chosen_unless_nobody_else_can_be(
    programs: list[Program], asleep: frozenset[int]
) -> None:
    ended = execute(programs, (), asleep)
    if ended.steps and ended.end is not End.REDUNDANT:
        assert ended.steps[0].actor not in asleep


@given(programs, st.lists(st.integers(0, 3), max_size=5).map(tuple))
def test_an_order_nobody_can_follow_diverges(programs: list[Program], prefix: tuple[int, ...]) -> None:
    ended = execute(programs, prefix)
    followed = order_of(ended)[: len(prefix)] == prefix
    assert followed is (ended.end is not End.DIVERGED) or ended.end is End.STUCK


def test_racers_may_come_before_their_run_and_go_after_it() -> None:
    scheduler: Scheduler[Waiting] = Scheduler()
    scheduler.arrive(1, 0)
    assert scheduler.hold(1, 0, Waiting({}, 1, 0))
    assert scheduler.take_effects() == []
    scheduler.announce(Order(1, 1))
    (go,) = scheduler.take_effects()
    assert isinstance(go, Go)
    scheduler.answer(1, 0)
    (ended,) = scheduler.take_effects()
    assert isinstance(ended, Ended)
    assert ended.end is End.DONE
    assert not scheduler.hold(1, 0, Waiting({}, 1, 0))


def test_a_request_that_waits_for_the_unseen_lets_others_go() -> None:
    scheduler: Scheduler[Waiting] = Scheduler()
    scheduler.announce(Order(1, 2))
    scheduler.arrive(1, 0)
    scheduler.arrive(1, 1)
    scheduler.hold(1, 1, Waiting({}, 1, 1))
    until(scheduler, Go)
    scheduler.answer(1, 1)
    ended = until(scheduler, Ended)
    assert isinstance(ended, Ended)
    assert ended.end is End.HUNG
    scheduler.release()
    assert until(scheduler, Released) == Released(finished=False)
    scheduler.release()
    scheduler.answer(1, 0)
    assert until(scheduler, Released) == Released(finished=True)


def until(scheduler: Scheduler[Waiting], kind: type) -> object:
    """The next effect, which must be of this kind, letting time pass."""
    for _ in range(2 * HUNG_AFTER):
        if effects := scheduler.take_effects():
            (effect,) = effects
            assert isinstance(effect, kind)
            return effect
        scheduler.tick()
    raise AssertionError("nothing happened")


@given(
    st.integers(0),
    st.integers(0, MAX_ACTORS),
    st.lists(st.integers(0, 15)),
    st.frozensets(st.integers(0, 15)),
)
def test_an_order_is_read_as_it_was_written(
    run: int, actors: int, prefix: list[int], asleep: frozenset[int]
) -> None:
    line = f"RUN {run} {actors} {listed(map(str, prefix))} {listed(map(str, sorted(asleep)))}"
    assert parse(line) == Order(run, actors, tuple(prefix), asleep)
    sampled = Order(run, actors, tuple(prefix), asleep, Policy("surw", 7, ((2, 1), ())))
    assert parse(f"{line} surw:7:2,1:-") == sampled


@pytest.mark.parametrize("words", ["", "walk", "walk:x", "pct:1", "surw:1:2", "jump:1", "walk:1:2"])
def test_what_is_no_policy_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"policy|invalid literal|too many|not enough"):
        Policy.parse(words)


@given(programs, st.sampled_from(["walk:{}", "pos:{}", "pct:{}:1,3", "surw:{}:1,2:1"]), st.integers(0, 99))
def test_a_policy_only_chooses_what_can_be_done(programs: list[Program], words: str, seed: int) -> None:
    ended = execute(programs, policy=Policy.parse(words.format(seed)))
    assert order_of(ended) in set(orders(programs))
    assert ended.end in {End.DONE, End.STUCK}


def test_the_vectors_that_all_implementations_share() -> None:
    """Through the reference's own machine: only who chooses is exchanged."""
    for chosen, program, order in vectors():

        class Here(Choice):
            def __init__(self, proposal: Proposal, actors: int) -> None:
                super().__init__(proposal, actors)
                self._own = Chooser(Policy.parse(str(proposal.policy)), actors)
                self._chooser = cast("Reference", self._own)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(programs_module, "Choice", Here)
            assert Machine(program).run(Proposal(policy=chosen)).order == order, chosen


def test_the_rest_of_the_grammar() -> None:
    assert parse("POINTS 1:2:w,2:0:r") == Points(((1, 2, True), (2, 0, False)))
    assert parse("POINTS -") == Points(())
    assert racer("12.3") == (12, 3)
    assert [racer(odd) for odd in ("", "12", "12.", ".3", "12.16", "a.1")] == [None] * 6
    assert record(1, encode("a:b, ~%")) == "1:a%3Ab%2C%20%7E%25"
    for odd in ("", "HELLO", "RUN 1 17 - -", "RUN 1", "POINTS 1"):
        refused = False
        try:
            parse(odd)
        except ValueError:
            refused = True
        assert refused, odd
