"""A running, probed application that can be put back to its first state.

Owns the process, its control socket and its warm connections, and what "the initial state"
means for them. It must not know what is searched for. Sequential requests run under the same
control as concurrent ones (one actor at a time), so that a request which waits for itself is
recognised at once and not by a time-out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from deadheat.io.hold import HEADER, Execution, Listener, Mounted, NotRestoredError, ProbedStep, Runtime
from deadheat.io.http import Connection, Pool
from deadheat.io.process import Process
from deadheat.io.store import Store
from deadheat.model import AccessKind, Point, Preparation, Request, Reset, Response, TargetError
from deadheat.oracle import Observation
from deadheat.schedule import End, Proposal

_ACCEPT = 0.2  # seconds between looks at whether the application is still alive


class RestartError(TargetError):
    """The application started before, and does not any more: what requests left behind stops it."""


class Application(Struct, frozen=True):
    """How to start an application that carries probes, and what its probes are.

    `build` identifies the probed source; `paths` gives the name people use for each state id;
    `ready` is how long it may take to listen, `timeout` how long one schedule may take, both
    in seconds.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    points: tuple[Point, ...]
    paths: Mapping[str, str]
    build: str
    environment: Mapping[str, str] = {}
    ready: float = 30.0
    timeout: float = 10.0


class Observed(Struct, frozen=True):
    """One execution: what clients saw, and what the probes saw."""

    observation: Observation
    executions: tuple[Execution, ...]
    stuck: tuple[int, ...] = ()

    @property
    def execution(self) -> Execution:
        """The execution of a concurrent run, or the last one of a sequential run."""
        return self.executions[-1]


class Target:
    """The application, started on demand.

    Raises (from every method that talks to it):
        TargetError: it exited, never answered, or lost its port; it is started anew next time.
    """

    def __init__(self, application: Application, store: Store) -> None:
        """Nothing is started yet."""
        self._application = application
        self._points = {point.id: point for point in application.points}
        self._paths = {point.id: application.paths.get(point.state or "") for point in application.points}
        self._store = store
        self._listener: Listener | None = None
        self._process: Process | None = None
        self._runtime: Runtime | None = None
        self._pool: Pool | None = None
        self._run = 0
        self._initial: dict[str, str] = {}
        self._setup: tuple[Preparation, ...] = ()
        self._clean = False
        self._owed = False  # the next run begins by bringing the marked values back
        self._unkept = False
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
        """End the application."""
        self.close()

    @property
    def point_table(self) -> Mapping[int, Point]:
        """The probe points by their number in this build."""
        return self._points

    @property
    def initial(self) -> Mapping[str, str]:
        """The initial values of the states met so far, by name."""
        return self._initial

    @property
    def routes(self) -> tuple[Mounted, ...]:
        """Where the running application serves its handlers; empty when it does not tell."""
        return self._running().routes

    def path(self, point: int) -> str | None:
        """Give the name of the state that a point touches."""
        return self._paths.get(point)

    def prepare(self, setup: Sequence[Preparation]) -> None:
        """Let `setup` be the way to the initial state, from now on."""
        if tuple(setup) != self._setup:
            self._setup = tuple(setup)
            self._initial = {}
            self._end()

    def restart(self) -> None:
        """End the process if there is one, start another and set it up."""
        self._end()
        self._start()
        self._set_up()
        self._running().mark()
        self._clean = True

    def reset(self, how: Reset, requests: Sequence[Request] = ()) -> None:
        """Go back to the initial state, if anything happened since; how, after a failure, is moot."""
        if self._clean:
            return
        if self._runtime is None or how is Reset.RESTART:
            self.restart()
        elif how is Reset.SNAPSHOT:
            if self._unkept:
                self.restart()
            else:
                self._owed = True  # goes with the next run: a message of its own is a round trip more
        else:
            for request in requests:
                self._pooled().ask(request)
            self._set_up()  # as a timed attack does: what the set-up made, the reset unmade
        self._clean = True

    def _set_up(self) -> None:
        for step in self._setup:
            response = self._pooled().ask(step.request)
            if not step.accepts(response.status):
                wanted = f", not {step.expect}" if step.expect is not None else ""
                raise TargetError(f"the set-up request {step.request} was answered {response.status}{wanted}")

    @property
    def restorable(self) -> bool:
        """Whether the probes can bring back every value they have met.

        A step at a place they may not keep (a lock that a function gave, say) may have changed it.
        """
        return not self._unkept and all(place.kept for place in self._running().state())

    def sequential(
        self, requests: Sequence[Request], order: Sequence[int], probes: Sequence[Request] = ()
    ) -> Observed:
        """Run the requests one after the other, in `order`; answers are listed by request."""
        answers: list[Response | None] = [None] * len(requests)
        executions: list[Execution] = []
        for actor in order:
            execution, responses = self._execute((requests[actor],), Proposal())
            executions.append(execution)
            answers[actor] = responses[0]
            if execution.trace.end in {End.STUCK, End.HUNG}:
                stuck = (actor,) if execution.trace.end is End.STUCK else ()
                return Observed(Observation(tuple(answers)), tuple(executions), stuck)
        return self._observed(answers, executions, probes)

    def concurrent(
        self, requests: Sequence[Request], proposal: Proposal, probes: Sequence[Request] = ()
    ) -> Observed:
        """Run the requests concurrently, in the order that `proposal` begins."""
        execution, responses = self._execute(requests, proposal)
        if execution.trace.end in {End.STUCK, End.HUNG}:
            waiting = tuple(sorted(actor for actor, _ in execution.trace.pending))
            stuck = waiting if execution.trace.end is End.STUCK else ()
            return Observed(Observation(tuple(responses)), (execution,), stuck)
        return self._observed(responses, [execution], probes)

    def confirm_stuck(self) -> bool:
        """After a stuck execution: let everybody go, and say whether really nobody ever answers."""
        try:
            return not self._running().release()
        finally:
            self._end()

    def abandon(self) -> None:
        """End the application; the next reset starts another."""
        self._end()

    def close(self) -> None:
        """End the application and stop listening."""
        self._end()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _observed(
        self,
        answers: Sequence[Response | None],
        executions: Sequence[Execution],
        probes: Sequence[Request],
    ) -> Observed:
        state = self._named_state(executions)
        seen = tuple((str(probe), _text(self._pooled().ask(probe))) for probe in probes)
        return Observed(Observation(tuple(answers), state + seen), tuple(executions))

    def _named_state(self, executions: Sequence[Execution]) -> tuple[tuple[str, str], ...]:
        """Name the final values; a state not met is at its initial value."""
        for execution in executions:
            for step in execution.steps:
                name = self.path(step.point)
                if name and step.before is not None:
                    self._initial.setdefault(name, step.before)
        values: dict[str, list[str]] = {}
        for place in executions[-1].places:
            name = self.path(place.point)
            if name and place.value is not None:
                values.setdefault(name, []).append(place.value)
        # Several objects of one name (a table of locks) are compared as a multiset: their
        # numbers depend on who was met first.
        named = {name: ", ".join(sorted(several)) for name, several in values.items()}
        return tuple(sorted((self._initial | named).items()))

    def _execute(
        self, requests: Sequence[Request], proposal: Proposal
    ) -> tuple[Execution, list[Response | None]]:
        try:
            return self._attempt(requests, proposal)
        except NotRestoredError:
            self.restart()
            return self._attempt(requests, proposal)

    def _attempt(
        self, requests: Sequence[Request], proposal: Proposal
    ) -> tuple[Execution, list[Response | None]]:
        runtime, pool = self._running(), self._pooled()
        again, self._owed, self._clean = self._owed, False, False
        self._run += 1
        connections = [pool.take() for _ in requests]
        try:
            runtime.start(self._run, len(requests), proposal, again=again)
            # Who is to begin comes last: it then goes on from its first probe without waiting there.
            first = proposal.prefix[0] if proposal.prefix else 0
            for actor in (*range(first + 1, len(requests)), *range(first + 1)):
                connections[actor].send_again(requests[actor], HEADER, f"{self._run}.{actor}")
            execution = runtime.finish(self._run)
            self._unkept = self._unkept or any(self.is_unkept(step) for step in execution.steps)
            unfinished = {actor for actor, _ in execution.trace.pending}
            if execution.trace.end is End.HUNG:
                unfinished = set(range(len(requests)))
            responses = [
                None if actor in unfinished else connection.receive()
                for actor, connection in enumerate(connections)
            ]
        except TargetError as error:
            raise self._failed(error) from error
        finally:
            self._return(pool, connections)
        return execution, responses

    def is_unkept(self, step: ProbedStep) -> bool:
        """Whether the step may have changed something that `restore` does not know of."""
        point = self._points.get(step.point)
        return step.place == 0 and point is not None and point.effect is not AccessKind.READ

    def _return(self, pool: Pool, connections: Sequence[Connection]) -> None:
        # In reverse, so that the next execution uses the same connections for the same actors.
        for connection in reversed(connections):
            pool.give(connection)

    def _failed(self, error: TargetError) -> TargetError:
        """Say what became of the application; it is started anew next time."""
        process = self._process
        self._close_control()
        if process is not None and (ended := process.wait_exit()) is not None:
            error = TargetError(f"{self._application.name} ended ({ended}): {process.last_words()}")
        self._end()
        return error

    def _start(self) -> None:
        application = self._application
        if self._listener is None:
            self._listener = Listener(self._store.socket())
        environment = {
            "ROCKET_ADDRESS": "127.0.0.1",
            "ROCKET_PORT": "0",
            "ROCKET_WORKERS": "16",
            # Errors at launch are last words; the lines about each request would cost more than the request.
            "ROCKET_LOG_LEVEL": "critical" if self.starts == 0 else "off",
            "ROCKET_CLI_COLORS": "false",
            "RUST_BACKTRACE": "0",  # last words are quoted; a backtrace would push them out
            **application.environment,
            "DEADHEAT_SOCKET": str(self._listener.path),
        }
        self._process = Process(
            application.command, application.cwd, environment, self._store.log(application.name)
        )
        self.starts += 1
        waited = 0.0
        while True:
            runtime = self._listener.accept(_ACCEPT, application.timeout)
            if runtime is not None:
                break
            waited += _ACCEPT
            if self._process.exited is not None or waited >= application.ready:
                raise self._never_answered(waited)
        self._runtime = runtime
        try:
            self.port = runtime.greet(application.ready)
        except TargetError as error:
            raise self._never_answered(application.ready) from error
        runtime.points(
            {point.id: (point.resource, point.effect is not AccessKind.READ) for point in application.points}
        )
        self._pool = Pool(self.port, application.timeout)

    def _never_answered(self, waited: float) -> TargetError:
        process = self._process
        name = self._application.name
        if process is None:
            return TargetError(f"{name} was not started")
        self._close_control()
        ended = process.wait_exit()
        words = process.last_words()
        self._end()
        if "in use" in words or "AddrInUse" in words or "socket bind error" in words:
            return TargetError(
                f"{name} could not listen: its port is taken (it does not take its port from"
                f" ROCKET_PORT; free the port, or let Rocket's configuration decide)\n{words}"
            )
        if ended is not None and self.port:
            return RestartError(
                f"{name} started once, but not again after the requests it had answered ({ended}): what they"
                " left behind, in files or a database, stops it. Remove that, and declare scenarios with a"
                f" `reset` that does\n{words}"
            )
        if ended is not None:
            return TargetError(
                f"{name} ended before it listened ({ended}); set what it needs under [app.env] in"
                f" deadheat.toml\n{words}"
            )
        return TargetError(
            f"{name} did not launch a Rocket server within {waited:.0f} s; raise `ready` under"
            f" [app] in deadheat.toml if it needs longer\n{words}"
        )

    def _running(self) -> Runtime:
        if self._runtime is None:
            self.restart()
        if self._runtime is None:
            raise TargetError(f"{self._application.name} is not running")
        return self._runtime

    def _pooled(self) -> Pool:
        if self._pool is None:
            raise TargetError(f"{self._application.name} is not running")
        return self._pool

    def _close_control(self) -> None:
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    def _end(self) -> None:
        self._clean = self._owed = self._unkept = False
        self._close_control()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._process is not None:
            self._process.end()
            self._process = None


def _text(response: Response) -> str:
    return f"{response.status} {response.text}"
