"""The embedded twin under the real controller: its races are forced, its fixed twins hold."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from deadheat_embedded.points import HOME, tables

from deadheat.io.hold import HEADER, Execution, Listener, Runtime
from deadheat.io.http import Connection, Pool
from deadheat.io.process import Process
from deadheat.model import Point, Request
from deadheat.schedule import End, Exhaustive, Proposal, SourceDpor, Strategy

SECONDS = 10.0


class Twin:
    """One running story, and the controller's hold on it."""

    def __init__(self, control: Runtime, port: int) -> None:
        self.control = control
        self.port = port
        self.runs = 0
        self.pool = Pool(port, SECONDS)

    def run(self, proposal: Proposal, *requests: Request, again: bool = False) -> tuple[Execution, list[str]]:
        """Race the requests; the answers are those of a run that ended by itself."""
        self.runs += 1
        self.control.start(self.runs, len(requests), proposal, again=again)
        connections: list[Connection] = []
        for actor, request in enumerate(requests):
            connections.append(self.pool.take())
            connections[-1].send(request, (HEADER, f"{self.runs}.{actor}"))
        execution = self.control.finish(self.runs)
        if execution.trace.end in {End.STUCK, End.HUNG}:
            for connection in connections:
                connection.close()
            return execution, []
        answers = [connection.receive().text for connection in connections]
        for connection in connections:
            self.pool.give(connection)
        return execution, answers

    def explore(self, strategy: Strategy, *requests: Request) -> list[tuple[Execution, list[str]]]:
        """Run every order the strategy proposes, from one state."""
        found = []
        while (proposal := strategy.propose()) is not None:
            execution, answers = self.run(proposal, *requests)
            strategy.observe(execution.trace)
            found.append((execution, answers))
            self.control.restore()
        return found


POINTS = msgspec.json.decode((HOME / "points.json").read_bytes(), type=dict[str, tuple[Point, ...]])


@contextmanager
def started(name: str) -> Iterator[tuple[Process, Runtime, int]]:
    """The story `name` in a process, greeted by its controller; ended afterwards."""
    with ExitStack() as stack:
        # Not pytest's folder: the path of a unix socket has at most 107 bytes.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "control").mkdir()
        listener = Listener(folder / "control" / "socket")
        stack.callback(listener.close)
        environment = {"DEADHEAT_SOCKET": str(listener.path), "ROCKET_PORT": "0"}
        command = [sys.executable, "-m", "deadheat_embedded", name]
        process = Process(command, HOME, environment, folder / "log")
        stack.callback(process.end)
        control = listener.accept(SECONDS, SECONDS)
        assert control is not None, process.last_words()
        stack.callback(control.close)
        yield process, control, control.greet(SECONDS)


@contextmanager
def twin(name: str) -> Iterator[Twin]:
    """The story `name`, its points told."""
    with started(name) as (_, control, port):
        states = sorted({point.state or "" for point in POINTS[name]})
        control.points({point.id: (states.index(point.state or "") + 1, True) for point in POINTS[name]})
        running = Twin(control, port)
        try:
            yield running
        finally:
            running.pool.close()


INCREMENT = Request("GET", "/increment")
DECREMENT = Request("GET", "/decrement")


@pytest.fixture(scope="module")
def vulnerable() -> Iterator[Twin]:
    with twin("active-users") as running:
        yield running


@pytest.fixture(scope="module")
def fixed() -> Iterator[Twin]:
    with twin("active-users-fixed") as running:
        yield running


def both_two(answers: list[str]) -> bool:
    return answers == ["One more: 2 active now"] * 2


def test_a_request_without_the_header_is_never_held(vulnerable: Twin) -> None:
    assert vulnerable.pool.ask(DECREMENT).text == "One fewer: 0 active now"


@pytest.mark.parametrize(("strategy", "orders"), [(Exhaustive, 6), (SourceDpor, 6)])
def test_two_visitors_are_both_told_two(vulnerable: Twin, strategy: type[Strategy], orders: int) -> None:
    found = vulnerable.explore(strategy(), INCREMENT, INCREMENT)
    # A leaves and B leaves twice each, and every order of these four steps is another: C(4, 2).
    assert len({execution.trace.order for execution, _ in found}) == orders
    wrong = [execution for execution, answers in found if both_two(answers)]
    assert {execution.trace.order for execution in wrong} >= {(0, 1, 0, 1), (0, 1, 1, 0)}
    assert {execution.places[0].value for execution, _ in found} == {"2"}


def test_it_happens_again_in_the_same_order(vulnerable: Twin) -> None:
    for _ in range(20):
        execution, answers = vulnerable.run(Proposal((0, 1, 0, 1)), INCREMENT, INCREMENT)
        assert both_two(answers)
        assert [(step.before, step.after) for step in execution.steps] == [
            ("0", "1"),
            ("1", "2"),
            ("2", "2"),
            ("2", "2"),
        ]
        vulnerable.control.restore()


@pytest.mark.parametrize("racers", [2, 3])
def test_the_fixed_twin_never_tells_one_number_twice(fixed: Twin, racers: int) -> None:
    found = fixed.explore(SourceDpor(), *[INCREMENT] * racers)
    assert len(found) == {2: 2, 3: 6}[racers]
    assert all(len(set(answers)) == racers for _, answers in found)


def test_an_order_that_cannot_be_followed_diverges(fixed: Twin) -> None:
    execution, answers = fixed.run(Proposal((1, 1)), INCREMENT, INCREMENT)
    assert execution.trace.end is End.DIVERGED
    assert len(answers) == 2
    fixed.control.restore()


def test_where_everybody_sleeps_the_run_is_redundant(fixed: Twin) -> None:
    execution, _ = fixed.run(Proposal((), frozenset({0, 1})), INCREMENT, INCREMENT)
    assert execution.trace.end is End.REDUNDANT
    fixed.control.restore()


def test_marked_values_come_back(vulnerable: Twin) -> None:
    vulnerable.run(Proposal(), INCREMENT)
    vulnerable.control.mark()
    vulnerable.run(Proposal(), INCREMENT)
    assert [place.value for place in vulnerable.control.state()] == ["2"]
    vulnerable.control.restore()
    (place,) = vulnerable.control.state()
    assert (place.value, place.kept) == ("1", True)
    vulnerable.pool.ask(DECREMENT)
    vulnerable.control.mark()


def test_a_run_begins_again_from_the_marked_values(vulnerable: Twin) -> None:
    vulnerable.control.restore()
    first = vulnerable.run(Proposal(), INCREMENT)
    assert vulnerable.run(Proposal(), INCREMENT, again=True) == first


TRANSFERS = (Request("POST", "/to-savings"), Request("POST", "/to-checking"))


def test_two_transfers_stop_each_other() -> None:
    with twin("deadlock") as bank:
        execution, _ = bank.run(Proposal((0, 1)), *TRANSFERS)
        assert execution.trace.end is End.STUCK
        assert [actor for actor, _ in execution.trace.pending] == [0, 1]
        assert bank.control.release() is False


def test_two_transfers_in_one_order_do_not() -> None:
    with twin("deadlock-fixed") as bank:
        found = bank.explore(Exhaustive(), *TRANSFERS)
        assert {execution.trace.end for execution, _ in found} == {End.DONE}
        assert len(found) == 2
        assert bank.control.release() is True


def test_the_process_ends_with_its_controller() -> None:
    with started("active-users") as (process, control, _):
        control.close()
        assert process.wait_exit(SECONDS) == "exit status 0"


def test_the_published_table_is_that_of_the_source() -> None:
    """If not: `python -m deadheat_embedded --points > points.json` in lab/embedded."""
    assert msgspec.json.decode((HOME / "points.json").read_bytes()) == tables()
