"""An unmodified application explored at its statements: the face of `Target`, a gate behind it.

Owns the process, the gate before its store and the way back to the first state, which is the
scenario's own reset requests: a new process alone does not empty a store. It must not know what
is searched for. Sequential runs go through the same proxy with the gate open.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Self

import msgspec
from msgspec import Struct

from deadheat.engine.application import Application
from deadheat.engine.statements.actor import Anew
from deadheat.engine.statements.gate import TRANSACTION, Gate, L
from deadheat.engine.statements.run import Run
from deadheat.engine.target import Observed
from deadheat.io import rocket_databases
from deadheat.io.hold import Execution
from deadheat.io.http import Connection, Pool
from deadheat.io.ports import free_port
from deadheat.io.process import Process
from deadheat.io.store import Store
from deadheat.model import Point, Preparation, Request, Reset, Response, TargetError
from deadheat.oracle import Observation
from deadheat.schedule import End, Op, Proposal, Trace

_PATIENCE = 3.0  # seconds; below the time-outs of the usual pools, whose 503 would look like an answer
_LOOK = 0.01
_SAFE = frozenset({"GET", "HEAD"})  # they ask for nothing to change: RFC 9110, section 9.2.1
_IDLE = 0.1  # seconds in which an application that nobody asks anything shows what it does by itself
_LINGER = 0.02  # seconds after an answer in which a task left behind shows
_MOST_ANEW = 100  # times in which one execution is begun again
_LOOKS = 3  # sequential answers to each request after which one is looked for


class Unmodified(Struct, frozen=True):
    """How to start the application as it is.

    It takes its port from ROCKET_PORT or PORT. `ready` is how long it may take to listen, `timeout`
    how long one answer may take, both in seconds.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = {}
    databases: Mapping[str, str] = {}
    """The databases of Rocket's configuration that lead to the store, by name."""
    ready: float = 30.0
    timeout: float = 10.0


class StatementTarget(Generic[L]):
    """The application with its statements held, started on demand.

    Raises (from every method that talks to it):
        TargetError: it exited or never answered, or its store cannot be stood before.
    """

    def __init__(self, application: Unmodified, gate: Gate[L], store: Store) -> None:
        """Take over the gate, which is closed at the end; the application is not started yet."""
        self._application = application
        self._store = store
        self._gate = gate
        self._process: Process | None = None
        self._pool: Pool | None = None
        self._setup: tuple[Preparation, ...] = ()
        self._clean = False
        self._way: tuple[Reset, Sequence[Request]] = (Reset.RESTART, ())
        self._raced: tuple[Request, ...] = ()
        self._first: dict[int, Op | None] = {}
        self.hindered = False
        """Whether some orders could not be forced, since requests share a connection to the store."""
        self._lingers = False
        self._watched: Counter[Request] = Counter()
        self.starts = 0
        self.port = 0

    def __enter__(self) -> Self:
        """Use it as a context: the application is ended at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the application and close the gate."""
        self.abandon()
        self._gate.close()

    @property
    def point_table(self) -> Mapping[int, Point]:
        """The statements met so far, by number."""
        return self._gate.points

    @property
    def initial(self) -> Mapping[str, str]:
        """No state is seen but through the scenario's probes."""
        return {}

    @property
    def restorable(self) -> bool:
        """Only the application's own reset requests bring a database back."""
        return False

    def described(self) -> Application:
        """Say what evidence needs to know: the name, the points, the names of their states."""
        states = {point.state for point in self._gate.points.values() if point.state}
        own = self._application
        return Application(
            name=own.name,
            command=own.command,
            cwd=own.cwd,
            points=tuple(self._gate.points.values()),
            paths={state: "a transaction" if state == TRANSACTION else state for state in states},
            build="",
        )

    def remember(self) -> bytes:
        """Give the numbers of statements and of what they touch, and whether requests hindered each other."""
        return msgspec.msgpack.encode((self.hindered, self._gate.remember()))

    def recall(self, remembered: bytes) -> None:
        """Go on numbering where another process stopped."""
        if remembered:
            self.hindered, numbers = msgspec.msgpack.decode(remembered, type=tuple[bool, bytes])
            self._gate.recall(numbers)

    def prepare(self, setup: Sequence[Preparation]) -> None:
        """Let `setup` be the way to the initial state, from now on."""
        if tuple(setup) != self._setup:
            self._setup = tuple(setup)
            self.abandon()

    def restart(self) -> None:
        """End the process if there is one, start another and set it up."""
        self._adapting(self._restart)

    def _adapting(self, action: Callable[[], None]) -> None:
        """Do it, once more where the gate learned from its failure what the application wants of it."""
        try:
            action()
        except TargetError:
            if not self._gate.adapted():
                raise
            self.abandon()
            action()

    def _restart(self) -> None:
        self.abandon()
        self._gate.reach()
        self._start()
        self._gate.started()
        for step in self._setup:
            response = self._ask(step.request)
            if not step.accepts(response.status):
                raise TargetError(f"the set-up request {step.request} was answered {response.status}")
        self._clean = True

    def reset(self, how: Reset, requests: Sequence[Request] = ()) -> None:
        """Go back to the initial state by the reset requests, in a new process if there is none."""
        self._way = (how, requests)
        self._adapting(lambda: self._back(how, requests))

    def _back(self, how: Reset, requests: Sequence[Request]) -> None:
        if self._process is None or how is Reset.RESTART:
            self._restart()
            self._clean = False
        if self._clean:
            return
        for request in requests:
            response = self._ask(request)
            if response.status >= 400:
                raise TargetError(f"the reset request {request} was answered {response.status}")
        self._clean = True

    def sequential(
        self, requests: Sequence[Request], order: Sequence[int], probes: Sequence[Request] = ()
    ) -> Observed:
        """Run the requests one after the other, in `order`; answers are listed by request."""
        answers: list[Response | None] = [None] * len(requests)
        self._clean = False
        for actor in order:
            answers[actor] = self._ask(requests[actor])
            # More than once: what a task sends in the very moment of the answer is not told from it.
            if self._watched[requests[actor]] < _LOOKS:
                self._watched[requests[actor]] += 1
                steps = self._gate.steps
                self._idle(_LINGER)
                self._lingers = self._lingers or self._gate.steps != steps
        return self._observed(answers, Execution(Trace(()), (), ()), probes)

    def concurrent(
        self,
        requests: Sequence[Request],
        proposal: Proposal,
        probes: Sequence[Request] = (),
        ahead: Sequence[Proposal] = (),
    ) -> Observed:
        """Run the requests concurrently, in the order that `proposal` begins."""
        if tuple(requests) != self._raced:
            self._raced, self._first = tuple(requests), {}
        for _ in range(_MOST_ANEW):
            news = self._gate.news
            try:
                return self._once(requests, proposal, probes, news)
            except Anew as anew:
                proposal = proposal._replace(prefix=anew.prefix, sleep=anew.asleep)
                self.reset(*self._way)
        raise TargetError("the application does something for the first time in every execution")

    def _once(
        self, requests: Sequence[Request], proposal: Proposal, probes: Sequence[Request], news: int
    ) -> Observed:
        pool = self._pooled()
        self._clean = False
        self._quiet()
        connections = [pool.take() for _ in requests]
        patience = min(_PATIENCE, self._application.timeout)
        run = Run(self._gate, requests, connections, patience, first=self._first)
        run.linger = _LINGER if self._lingers else 0.0
        try:
            execution = run.execute(proposal)
            if self._gate.news != news:
                # What was done for the first time, as a step of its own, is none the next time.
                raise Anew(proposal.prefix, proposal.sleep)
            if execution.trace.end in {End.HUNG, End.DIVERGED}:
                self.abandon()
                return Observed(Observation(run.responses), (execution,))
            self._gate.open()
        except Anew:
            self._gate.open()
            self._await(*run.unanswered)
            self._quiet()
            raise
        except TargetError:
            self.abandon()
            raise
        finally:
            self.hindered = self.hindered or run.hindered
            # In reverse, so that the next execution uses the same connections for the same actors.
            for connection in reversed(connections):
                pool.give(connection)
        return self._observed(run.responses, execution, probes)

    def confirm_stuck(self) -> bool:
        """Deny it: a database breaks its deadlocks itself."""
        self.abandon()
        return False

    def abandon(self) -> None:
        """End the application; the next reset starts another."""
        self._clean = False
        self._gate.drop_all()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._process is not None:
            self._process.end()
            self._process = None

    def _observed(
        self, answers: Sequence[Response | None], execution: Execution, probes: Sequence[Request]
    ) -> Observed:
        if not self._gate.opened:
            raise TargetError(f"{self._application.name} {self._gate.absent}")
        if all(probe.method in _SAFE for probe in probes):
            looked = self._ask_at_once(probes)
        else:
            looked = [self._ask(probe) for probe in probes]
        seen = tuple((str(p), f"{r.status} {r.text}") for p, r in zip(probes, looked, strict=True))
        return Observed(Observation(tuple(answers), seen), (execution,))

    def _ask(self, request: Request) -> Response:
        """Send one request with the gate open, and serve its statements until it is answered."""
        (response,) = self._ask_at_once((request,))
        return response

    def _ask_at_once(self, requests: Sequence[Request]) -> list[Response]:
        """Send requests that do not depend on each other, with the gate open."""
        pool = self._pooled()
        self._gate.open()
        connections = [pool.take() for _ in requests]
        try:
            for connection, request in zip(connections, requests, strict=True):
                connection.send(request)
            responses = self._await(*connections)
            self._quiet()
        except TargetError:
            self.abandon()
            raise
        finally:
            for connection in reversed(connections):
                pool.give(connection)
        return responses

    def _await(self, *connections: Connection) -> list[Response]:
        end = time.monotonic() + self._application.timeout
        found: dict[Connection, Response] = {}
        waiting: Sequence[Connection] = connections
        while waiting:
            ready = self._gate.pump(_LOOK, waiting)
            for connection in waiting:
                if connection in ready and (response := connection.advance()) is not None:
                    found[connection] = response
            if ready:
                waiting = [connection for connection in waiting if connection not in found]
            if time.monotonic() > end:
                raise TargetError(f"no answer within {self._application.timeout:g} s")
        return [found[connection] for connection in connections]

    def _quiet(self) -> None:
        """Await the end of what goes on after an answer: a ROLLBACK is sent late, a detached task is."""
        end = time.monotonic() + self._application.timeout
        while any(lane.busy for lane in self._gate.lanes):
            self._gate.pump(_LOOK)
            if time.monotonic() > end:
                raise TargetError("a transaction stays open after every request was answered")
        self._gate.pump(0)
        if self._lingers:
            self._idle(_LINGER)

    def _idle(self, seconds: float) -> None:
        """Let pass what comes, until nothing comes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._gate.pump(left)

    def _start(self) -> None:
        own = self._application
        self.port = free_port()
        environment = {
            "ROCKET_ADDRESS": "127.0.0.1",
            "ROCKET_PORT": str(self.port),
            "ROCKET_WORKERS": "16",
            "ROCKET_LOG_LEVEL": "normal" if self.starts == 0 else "off",
            "ROCKET_CLI_COLORS": "false",
            "RUST_BACKTRACE": "0",
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            **own.environment,
            **self._gate.environment(),
        }
        if own.databases:
            led = {name: self._gate.through(url) for name, url in own.databases.items()}
            environment[rocket_databases.VARIABLE] = rocket_databases.led(own.environment, led)
        self._process = Process(own.command, own.cwd, environment, self._store.log(own.name))
        self.starts += 1
        end = time.monotonic() + own.ready
        while True:
            self._gate.pump(_LOOK)
            if self._gate.unsupported:
                why = self._gate.unsupported
                self.abandon()
                raise TargetError(f"{own.name} cannot be held at its statements: {why}")
            try:
                Connection(self.port, own.timeout).close()
                break
            except TargetError:
                if self._process.exited is not None or time.monotonic() > end:
                    words = self._process.last_words()
                    self.abandon()
                    raise TargetError(
                        f"{own.name} did not listen on the port in ROCKET_PORT or PORT: {words}"
                    ) from None
        self._pool = Pool(self.port, own.timeout)
        self._quiet()
        self._gate.learn(learning=True)
        self._idle(_IDLE)
        self._gate.learn(learning=False)

    def _pooled(self) -> Pool:
        if self._pool is None:
            self.restart()
        if self._pool is None:
            raise TargetError(f"{self._application.name} is not running")
        return self._pool
