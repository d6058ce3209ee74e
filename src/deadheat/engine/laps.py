"""Schedules whose requests the application sends to itself, with the next ones ready behind each.

Owns the queue of orders under way, and what the wire's bytes are for a request and an answer. It must not
know where orders come from nor what an outcome means. Where a search can tell what it will ask next, that
runs while this one is read; a guess that was wrong is run and thrown away, so it costs time and nothing
else.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence

from msgspec import Struct

from deadheat.io.hold import HEADER, Execution, Lap, NotRestoredError, Runtime, Script
from deadheat.io.http import HOST
from deadheat.model import Request, Response, TargetError
from deadheat.schedule import End, Proposal
from deadheat.wire import Practised, Repeats

AHEAD = 12
"""Most orders that are run before anybody asks for them."""
_MOST = 4096  # answers remembered
_FEW = 4
_IN_VAIN = 0.005  # seconds that guesses may cost when they turn out to be wrong
_PAST = 0.9  # how much what was counts beside what is


class Played(Struct, frozen=True):
    """One order, run: what the racers were answered, and what the requests about the state were."""

    execution: Execution
    answers: tuple[Response | None, ...]
    after: tuple[Response, ...]


class Laps:
    """The laps of one running application.

    Raises (from every method that talks to it):
        TargetError: as `Runtime`.
    """

    def __init__(self, runtime: Runtime, port: int, numbers: Iterator[int]) -> None:
        """`numbers` are those of the runs: they increase, whoever announces one."""
        self._runtime = runtime
        self._port = port
        self._numbers = numbers
        self._repeats = Repeats(f"{HOST}:{port}")
        self._script: Script | None = None
        self.racers: tuple[Request, ...] = ()
        self._after: tuple[Request, ...] = ()
        self._flying: deque[tuple[int, Proposal]] = deque()
        self._answers: dict[tuple[Request, bytes], Response] = {}
        self._played: dict[int, tuple[Lap, Played]] = {}
        self._guess: Proposal | None = None
        self._luck = 1.0  # the share of guesses that were right
        self._pace = 0.0  # seconds an order
        self._arrived = time.monotonic()

    def learn(self, racers: tuple[Request, ...], after: tuple[Request, ...]) -> bool:
        """Let these be the requests from now on; whether the application can send them.

        It cannot where a connection does more than carry one request and its answer (an upgrade), or less.

        Raises:
            TargetError: what was tried ahead left requests waiting for ever, or ended the application.
        """
        if (racers, after) == (self.racers, self._after):
            return self._script is not None
        self._settled()
        self.racers, self._after = racers, after
        self._played.clear()
        self._script = self._framed(racers, after)
        if self._script is not None:
            self._runtime.script(self._script)
        return self._script is not None

    def run(self, proposal: Proposal, ahead: Sequence[Proposal]) -> Played:
        """Run one order; `ahead` are those that will be asked for next, as far as anybody knows.

        What is seen again is the same object again.

        Raises:
            NotRestoredError: as `Runtime.arrive`.
        """
        if self._flying and self._flying[0][1] != proposal:
            self._settled()
        ahead = self._worthwhile(proposal, ahead)
        if not self._flying:
            self._launch((proposal, *ahead))
        elif len(self._flying) <= min(_FEW, len(ahead)):
            self._launch(ahead[len(self._flying) - 1 :])
        run, _ = self._flying.popleft()
        lap = self._runtime.arrive(run)
        now = time.monotonic()
        self._pace, self._arrived = _mixed(self._pace, now - self._arrived), now
        if not _ends(lap.execution):
            self._drop(at_rest=False)
        known = self._played.get(id(lap))
        if known is None:
            if len(self._played) >= _MOST:
                self._played.clear()
            # The lap is kept with it: no other gets its identity meanwhile.
            known = self._played[id(lap)] = lap, self._read(lap)
        return known[1]

    def _read(self, lap: Lap) -> Played:
        asked = (*self.racers, *self._after)
        heard = [
            None if data is None else self._answer(request, data)
            for request, data in zip(asked, lap.answers, strict=False)
        ]
        count = len(self.racers)
        after = tuple(answer for answer in heard[count:] if answer is not None)
        return Played(lap.execution, tuple(heard[:count]), after)

    def _worthwhile(self, proposal: Proposal, ahead: Sequence[Proposal]) -> Sequence[Proposal]:
        """Give as many of the guesses as may be run in vain; none where most were wrong."""
        if self._guess is not None:
            self._luck = _mixed(self._luck, self._guess == proposal)
        self._guess = ahead[0] if ahead else None
        most = min(AHEAD, int(_IN_VAIN / max(self._pace, 1e-6)))
        return ahead[:most] if self._luck > 0.5 else ()

    def settle(self) -> bool:
        """Await what was tried ahead, for nothing; whether the application serves others afterwards."""
        return self._drop(at_rest=True)

    def _settled(self) -> None:
        if not self.settle():
            raise TargetError("an order that was tried ahead left requests waiting for ever")

    def _drop(self, *, at_rest: bool) -> bool:
        while self._flying:
            run, _ = self._flying.popleft()
            try:
                execution = self._runtime.arrive(run).execution
            except NotRestoredError:
                continue
            except TargetError:  # the end of the application, or of an earlier lap's racers: nobody's now
                at_rest = False
            else:
                at_rest = at_rest and _ends(execution)
        return at_rest

    def _launch(self, proposals: Sequence[Proposal]) -> None:
        count = len(self.racers)
        orders = [(next(self._numbers), count, proposal) for proposal in proposals]
        self._runtime.lap(orders)
        self._flying.extend((run, proposal) for run, _, proposal in orders)

    def _framed(self, racers: Sequence[Request], after: Sequence[Request]) -> Script | None:
        parts = [self._repeats.parts(request, HEADER) for request in racers if not request.message]
        whole = [self._repeats.whole(request) for request in after if not request.message]
        around = tuple(part for part in parts if part is not None)
        known = tuple(request for request in whole if request is not None)
        if len(around) != len(racers) or len(known) != len(after):
            return None
        return Script(self._port, around, known)

    def _answer(self, request: Request, data: bytes) -> Response:
        known = self._answers.get((request, data))
        if known is None:
            exchange = Practised.of(self._repeats)
            exchange.frame_known(request)
            known = exchange.receive(data) or exchange.receive(b"")
            if known is None:
                raise TargetError("an answer was cut short")
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[request, data] = known
        return known


def _mixed(before: float, now: float) -> float:
    return _PAST * before + (1 - _PAST) * now


def _ends(execution: Execution) -> bool:
    return execution.trace.end not in {End.STUCK, End.HUNG}
