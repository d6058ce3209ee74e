"""Orders that run ahead of the search: answered in turn, thrown away where nobody asks, never mixed up."""

import itertools
from collections import deque
from collections.abc import Sequence

import pytest

from deadheat.engine.laps import AHEAD, Laps
from deadheat.io.hold import Execution, Lap, NotRestoredError, Runtime, Script
from deadheat.model import Request, TargetError
from deadheat.model.http import MESSAGE
from deadheat.schedule import End, Op, Proposal, Trace, TraceStep

VISIT = Request("GET", "/visit")
LOOK = Request("GET", "/look")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%02d"


class Scripted(Runtime):
    """Answers each lap with its order, unless told how it ends; no application is behind it."""

    def __init__(self, ends: dict[tuple[int, ...], End | Exception] | None = None) -> None:
        self.ends = ends or {}
        self.scripts: list[Script] = []
        self.sent: list[Proposal] = []
        self.waiting: deque[tuple[int, int, Proposal]] = deque()
        self.spoiled = False

    def script(self, script: Script) -> None:
        self.scripts.append(script)

    def lap(self, orders: Sequence[tuple[int, int, Proposal]]) -> None:
        self.waiting.extend(orders)
        self.sent.extend(proposal for _, _, proposal in orders)

    def arrive(self, run: int) -> Lap:
        number, actors, proposal = self.waiting.popleft()
        assert number == run
        end = self.ends.get(proposal.prefix, End.DONE)
        if self.spoiled:
            raise TargetError("spoiled")
        if isinstance(end, Exception):
            raise end
        self.spoiled = end in {End.STUCK, End.HUNG}
        steps = tuple(TraceStep(actor, Op(1), frozenset(range(actors))) for actor in proposal.prefix)
        told = [ANSWER % actor for actor in range(actors)]
        after = [ANSWER % len(proposal.prefix)] * len(self.scripts[-1].after)
        answers = (None,) * actors if self.spoiled else (*told, *after)
        return Lap(Execution(Trace(steps, end), (), ()), answers)


def order(*actors: int) -> Proposal:
    return Proposal(actors)


def laps(runtime: Scripted, after: tuple[Request, ...] = ()) -> Laps:
    made = Laps(runtime, 8000, itertools.count(1))
    assert made.learn((VISIT, VISIT), after)
    return made


def test_answers_are_the_racers_then_those_about_the_state() -> None:
    played = laps(Scripted(), (LOOK,)).run(order(0, 1), ())
    assert [answer and answer.text for answer in played.answers] == ["00", "01"]
    assert [answer.text for answer in played.after] == ["02"]
    assert played.execution.trace.order == (0, 1)


def test_the_bytes_are_those_that_any_client_would_send() -> None:
    runtime = Scripted()
    laps(runtime, (LOOK,))
    (script,) = runtime.scripts
    (before, behind), _ = script.racers
    whole = before + b"7.0" + behind
    assert whole.startswith(b"GET /visit HTTP/1.1\r\n")
    assert b"x-deadheat-actor: 7.0\r\n" in whole
    assert script.after[0].startswith(b"GET /look HTTP/1.1\r\n")


def test_what_was_guessed_right_is_run_once() -> None:
    runtime = Scripted()
    racing = laps(runtime)
    orders = [order(*digits) for digits in itertools.product((0, 1), repeat=6)]
    for index, proposal in enumerate(orders):
        played = racing.run(proposal, orders[index + 1 : index + 1 + AHEAD])
        assert played.execution.trace.order == proposal.prefix
    assert runtime.sent == orders
    assert not runtime.waiting


def test_what_was_guessed_wrong_is_thrown_away() -> None:
    runtime = Scripted()
    racing = laps(runtime)
    racing.run(order(0), [order(0, 0), order(0, 0, 0)])
    assert racing.run(order(1), ()).execution.trace.order == (1,)
    assert racing.settle()
    assert not runtime.waiting


def test_after_many_wrong_guesses_none_are_made() -> None:
    runtime = Scripted()
    racing = laps(runtime)
    for count in range(40):
        racing.run(order(*(0,) * count), [order(1)])
    wasted = runtime.sent.count(order(1))
    for count in range(40):
        racing.run(order(*(0,) * count), [order(1)])
    assert 0 < wasted == runtime.sent.count(order(1)) < 20


@pytest.mark.parametrize("end", [End.STUCK, End.HUNG])
def test_an_order_that_does_not_end_takes_those_behind_it_along(end: End) -> None:
    runtime = Scripted({(0, 1): end})
    racing = laps(runtime)
    played = racing.run(order(0, 1), [order(1)])
    assert played.execution.trace.end is end
    assert played.answers == (None, None)
    assert not runtime.waiting


@pytest.mark.parametrize("end", [End.STUCK, TargetError("the application ended")])
def test_a_guess_that_ends_the_application_is_no_ones_outcome(end: End | Exception) -> None:
    runtime = Scripted({(1,): end})
    racing = laps(runtime)
    assert racing.run(order(0), [order(1)]).execution.trace.end is End.DONE
    with pytest.raises(TargetError, match="ahead"):
        racing.run(order(0, 0), ())
    assert not runtime.waiting


def test_other_requests_are_not_sent_beside_those_that_wait_for_ever() -> None:
    runtime = Scripted({(1,): End.STUCK})
    racing = laps(runtime)
    racing.run(order(0), [order(1)])
    with pytest.raises(TargetError, match="ahead"):
        racing.learn((LOOK, LOOK), ())
    assert len(runtime.scripts) == 1


def test_values_that_cannot_be_brought_back_are_told() -> None:
    racing = laps(Scripted({(1,): NotRestoredError("shared")}))
    with pytest.raises(NotRestoredError):
        racing.run(order(1), [order(1)])
    assert racing.settle()


@pytest.mark.parametrize(
    "request_",
    [
        Request("HEAD", "/visit"),
        Request("GET", "/visit", (("connection", "close"),)),
        Request(MESSAGE, "/visit"),
    ],
)
def test_requests_that_need_a_connection_of_their_own_are_not_scripted(request_: Request) -> None:
    runtime = Scripted()
    racing = Laps(runtime, 8000, itertools.count(1))
    assert not racing.learn((VISIT, request_), ())
    assert not racing.learn((VISIT, VISIT), (request_,))
    assert racing.learn((VISIT, VISIT), ())
    assert len(runtime.scripts) == 1
