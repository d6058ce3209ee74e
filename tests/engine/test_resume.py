"""An exploration that was interrupted goes on where it was: no order twice, none left out."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat import __version__
from deadheat.engine import memory as memories
from deadheat.engine.events import Explored
from deadheat.engine.executor import Executor
from deadheat.engine.explore import Search
from deadheat.engine.memory import Memory
from deadheat.io.journal import Journal
from deadheat.model import DeadheatError, Exploration, Racer, Request, Scenario
from deadheat.model.config import Explore
from tests.engine.toy import Code, Instruction, Toy

Program = tuple[tuple[Instruction, ...], ...]

STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "write", "lock"]), st.sampled_from("xyz"), st.just(1)),
    min_size=1,
    max_size=3,
).map(tuple)
PROGRAMS = st.lists(STEPS, min_size=2, max_size=3).map(tuple)
STRATEGIES = st.sampled_from(["auto", "source-dpor", "pct", "surw", "pos", "walk", "bounded"])


@pytest.fixture(autouse=True, scope="module")
def unhurried() -> Iterator[None]:
    """Nobody pulls the plug here: not to wait for the disk hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


def code(program: Program) -> Code:
    return lambda request: (200, program[int(request.target)])


def scenario(program: Program) -> Scenario:
    # Equal programs are one request, so that they are twins.
    targets = [program.index(steps) for steps in program]
    return Scenario("generated", tuple(Racer(Request("GET", str(target))) for target in targets))


def limits(strategy: str, budget: int, **more: int) -> Explore:
    bound = {"bound": 9} if strategy == "bounded" else {}
    name = "auto" if strategy == "bounded" else strategy
    return Explore(strategy=name, budget=budget, enough=10_000, **bound, **more)  # type: ignore[arg-type]


def explored(
    toy: Toy, program: Program, how: Explore, memory: Memory | None = None
) -> tuple[Search, Exploration | None]:
    """Explore; without an exploration when the user had enough of it."""
    search = Search(cast(Executor, toy), scenario(program), how, lambda *_: ("it",), memory=memory)
    try:
        *_, last = search.events()
    except KeyboardInterrupt:
        search.interrupted()
        return search, None
    assert isinstance(last, Explored)
    return search, last.exploration


def opened(path: Path, how: Explore, budget: int | None = None) -> Memory:
    if not path.exists():
        return Memory(Journal(path, create=True), 1, "deadheat explore --resume 1", how.budget, b"{}")
    return Memory.resumed(Journal(path, create=False), 1, "deadheat explore --resume 1", budget)[0]


def counts(exploration: Exploration) -> Exploration:
    return msgspec.structs.replace(exploration, seconds=0.0)


@settings(max_examples=150)
@given(PROGRAMS, STRATEGIES, st.integers(1, 60), st.lists(st.integers(0, 12), max_size=4), st.integers(0, 3))
def test_interrupted_anywhere_it_ends_as_if_it_never_was(
    program: Program, strategy: str, budget: int, interruptions: list[int], seed: int
) -> None:
    how = limits(strategy, budget, seed=seed)
    whole, expected = explored(Toy(code(program)), program, how)
    assert expected is not None
    with TemporaryDirectory() as folder:
        path, raced, seen = Path(folder) / "1.journal", 0, 0
        for limit in interruptions:
            toy = Toy(code(program))
            toy.limit = limit
            memory = opened(path, how)
            assert memory.recalled == seen
            search, cut_short = explored(toy, program, how, memory)
            memory.end(further=True)
            raced += toy.raced
            seen += toy.raced
            if cut_short is not None:
                assert counts(cut_short) == counts(expected)
        toy = Toy(code(program))
        memory = opened(path, how)
        search, found = explored(toy, program, how, memory)
        memory.end(further=False)
        assert found is not None
        assert counts(found) == counts(expected)
        assert {name: best.order for name, best in search.best.items()} == {
            name: best.order for name, best in whole.best.items()
        }
        assert raced + toy.raced == len(list(every_execution(program, how))), "none twice, none left out"


def every_execution(program: Program, how: Explore) -> range:
    toy = Toy(code(program))
    explored(toy, program, how)
    return range(toy.raced)


INCREMENT: tuple[Instruction, ...] = (("read", "x", 0), ("write", "x", 1))
THREE: Program = (INCREMENT, INCREMENT, (("read", "x", 0), ("write", "x", 2)))


@settings(max_examples=30)
@given(
    PROGRAMS,
    st.integers(1, 20),
    st.integers(1, 40),
    STRATEGIES,
)
def test_a_raised_budget_goes_on_from_where_the_first_ended(
    program: Program, first: int, more: int, strategy: str
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "1.journal"
        memory = opened(path, limits(strategy, first))
        _, before = explored(Toy(code(program)), program, limits(strategy, first), memory)
        memory.end(further=True)
        assert before is not None
        toy = Toy(code(program))
        memory = opened(path, limits(strategy, first), first + more)
        _, after = explored(toy, program, limits(strategy, first + more), memory)
        memory.end(further=True)
        _, exhausted = explored(Toy(code(program)), program, limits("source-dpor", 10_000))
        assert after is not None
        assert exhausted is not None
        if before.complete:
            assert (after.complete, toy.raced) == (True, 0)
        elif before.schedules and strategy in {"pct", "surw", "pos", "walk"}:
            assert after.schedules == first + more
        assert after.schedules <= first + more
        if first + more >= 2 * exhausted.schedules and strategy == "source-dpor":
            assert counts(after).schedules == exhausted.schedules


def test_what_was_found_before_is_told_in_the_end(tmp_path: Path) -> None:
    how = limits("source-dpor", 1_000)
    toy = Toy(code(THREE))
    toy.limit = 5
    memory = opened(tmp_path / "1.journal", how)
    first, _ = explored(toy, THREE, how, memory)
    memory.end(further=True)
    assert first.again == "deadheat explore --resume 1"
    assert first.best
    toy = Toy(code(THREE))
    toy.limit = 0  # it goes on, and is interrupted before it has run anything
    memory = opened(tmp_path / "1.journal", how)
    second, _ = explored(toy, THREE, how, memory)
    assert second.best == first.best
    assert (second.schedules, second.violating) == (first.schedules, first.violating)


def test_a_used_up_budget_says_with_which_it_goes_on(tmp_path: Path) -> None:
    how = limits("source-dpor", 4)
    memory = opened(tmp_path / "1.journal", how)
    search, found = explored(Toy(code(THREE)), THREE, how, memory)
    assert found is not None
    assert found.reason == "the budget of 4 schedules is used up"
    assert search.again == "deadheat explore --resume 1 --budget 8"
    memory.end(further=True)
    with pytest.raises(DeadheatError, match="--budget can only raise it"):
        opened(tmp_path / "1.journal", how, 3)


def test_what_is_complete_is_not_gone_on_with(tmp_path: Path) -> None:
    how = limits("source-dpor", 1_000)
    memory = opened(tmp_path / "1.journal", how)
    search, found = explored(Toy(code(THREE)), THREE, how, memory)
    assert found is not None
    assert found.complete
    assert search.again == ""
    memory.end(further=bool(search.again))
    assert not (tmp_path / "1.journal").exists()


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """The journal of an exploration that was interrupted."""
    toy = Toy(code(THREE))
    toy.limit = 6
    memory = opened(tmp_path / "1.journal", limits("auto", 100))
    explored(toy, THREE, limits("auto", 100), memory)
    memory.end(further=True)
    return tmp_path / "1.journal"


def test_another_scenario_is_refused(half: Path) -> None:
    with pytest.raises(DeadheatError, match=r"run 1 cannot be gone on with: the scenario.* changed since"):
        explored(Toy(code(THREE)), THREE, limits("auto", 100, seed=3), opened(half, limits("auto", 100)))


def test_another_application_is_refused(half: Path) -> None:
    toy = Toy(lambda request: (201, THREE[int(request.target)]))
    with pytest.raises(DeadheatError, match="what the requests give one after the other changed since"):
        explored(toy, THREE, limits("auto", 100), opened(half, limits("auto", 100)))


def test_another_deadheat_is_refused(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "__version__", __version__ + "1")
    with pytest.raises(DeadheatError, match="Deadheat itself changed since"):
        opened(half, limits("auto", 100))


def test_a_search_that_goes_elsewhere_is_refused(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = opened(half, limits("auto", 100))
    entries = list(memory.entries())
    monkeypatch.setattr(memory, "entries", lambda: iter(entries[::-1]))
    with pytest.raises(DeadheatError, match="this Deadheat searches in another order"):
        explored(Toy(code(THREE)), THREE, limits("auto", 100), memory)


def test_an_order_that_ends_the_application_is_left_out_and_said(tmp_path: Path) -> None:
    def dies(order: tuple[int, ...]) -> bool:
        return order[:3] == (0, 1, 0)

    how = limits("source-dpor", 1_000)
    toy = Toy(code(THREE), dies)
    memory = opened(tmp_path / "1.journal", how)
    _, found = explored(toy, THREE, how, memory)
    assert found is not None
    assert not found.complete
    assert not any(tally.complete for tally in found.strategies)
    assert "3 of 3 times: toy ended (SIGABRT)" in found.reason
    assert "one request after the other does not end it" in found.reason
    assert found.schedules > 3, "the others were tried"
    assert found.verdict == "violation"
    memory.end(further=True)
    again = Toy(code(THREE), dies)
    memory = opened(tmp_path / "1.journal", how)
    _, same = explored(again, THREE, how, memory)
    assert same is not None
    assert counts(same) == counts(found)
    assert again.raced == 0, "what ended it three times is not tried again"


def test_where_every_order_ends_it_no_more_are_tried(tmp_path: Path) -> None:
    toy = Toy(code(THREE), lambda order: True)
    _, found = explored(toy, THREE, limits("auto", 1_000))
    assert found is not None
    assert found.verdict == "unknown"
    assert toy.raced <= 12


def test_an_application_that_answers_nobody_any_more_ends_it(tmp_path: Path) -> None:
    class Gone(Toy):
        def sequential(self, *given: object, **more: object) -> object:  # type: ignore[override]
            if self.raced:
                raise DeadheatError("the database cannot be reached")
            return super().sequential(*given, **more)  # type: ignore[arg-type]

    toy = Gone(code(THREE), lambda order: True)
    with pytest.raises(DeadheatError, match="cannot be reached"):
        explored(toy, THREE, limits("auto", 1_000))
    assert toy.raced == 3
