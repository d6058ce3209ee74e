"""A running, probed application that can be put back to its first state.

Owns the process, its control socket and its warm connections, and what "the initial state"
means for them. It must not know what is searched for. Sequential requests run under the same
control as concurrent ones (one actor at a time), so that a request which waits for itself is
recognised at once and not by a time-out.
"""

import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from msgspec import Struct

from deadheat.engine.application import Application, start
from deadheat.engine.laps import Laps, Played
from deadheat.io.hold import HEADER, Execution, Listener, Mounted, NotRestoredError, ProbedStep, Runtime
from deadheat.io.http import Connection, Pool
from deadheat.io.process import Process
from deadheat.io.store import Store
from deadheat.io.websocket import connect
from deadheat.model import AccessKind, Point, Preparation, Request, Reset, Response, TargetError
from deadheat.oracle import Observation
from deadheat.schedule import End, Proposal

_MOST = 4096  # executions remembered


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
        self._laps: Laps | None = None
        self._numbers = itertools.count(1)
        self._seen: dict[int, tuple[Played, int, Observed]] = {}
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
            self._running()  # what was tried ahead would bring the marked values back afterwards
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
        self,
        requests: Sequence[Request],
        proposal: Proposal,
        probes: Sequence[Request] = (),
        ahead: Sequence[Proposal] = (),
    ) -> Observed:
        """Run the requests concurrently, in the order that `proposal` begins.

        `ahead` are the orders that the next calls will probably ask for, with all else the same.
        """
        laps = self._lapping(requests, probes)
        if laps is not None:
            return self._lap(laps, proposal, probes, ahead)
        execution, responses = self._execute(requests, proposal)
        return _unended(responses, execution) or self._observed(responses, [execution], probes)

    def confirm_stuck(self) -> bool:
        """After a stuck execution: let everybody go, and say whether really nobody ever answers."""
        try:
            return not self._running().release()
        finally:
            self._end()

    def abandon(self) -> None:
        """End the application; the next reset starts another."""
        self._end()

    def remember(self) -> bytes:
        """Give nothing: the numbers of points and places are those of the build."""
        return b""

    def recall(self, remembered: bytes) -> None:
        """Take over nothing."""

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
        seen: Sequence[Response] | None = None,
    ) -> Observed:
        state = self._named_state(executions)
        if seen is None:
            seen = [self._pooled().ask(probe) for probe in probes]
        shown = tuple((str(probe), _text(answer)) for probe, answer in zip(probes, seen, strict=True))
        return Observed(Observation(tuple(answers), state + shown), tuple(executions))

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

    def _lapping(self, requests: Sequence[Request], probes: Sequence[Request]) -> Laps | None:
        """Give the laps of the application if it is to send the requests: from marked values, that is."""
        laps = self._laps if self._owed else None
        try:
            return laps if laps is not None and laps.learn(tuple(requests), tuple(probes)) else None
        except TargetError:
            self.restart()  # nobody asked for what was tried ahead, nor for what it led to
            return None

    def _lap(
        self, laps: Laps, proposal: Proposal, probes: Sequence[Request], ahead: Sequence[Proposal]
    ) -> Observed:
        self._owed = self._clean = False
        try:
            played = laps.run(proposal, ahead)
        except NotRestoredError:
            self.restart()
            return self.concurrent(laps.racers, proposal, probes)
        except TargetError as error:
            raise self._failed(error) from error
        known = self._seen.get(id(played))
        if known is None or known[1] != len(self._initial):
            execution = played.execution
            self._unkept = self._unkept or any(self.is_unkept(step) for step in execution.steps)
            observed = _unended(played.answers, execution) or self._observed(
                played.answers, [execution], probes, played.after
            )
            if len(self._seen) >= _MOST:
                self._seen.clear()
            # What was played is kept with it: no other gets its identity meanwhile.
            known = self._seen[id(played)] = played, len(self._initial), observed
        return known[2]

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
        run = next(self._numbers)
        connections = [connect(pool, request) for request in requests]
        try:
            runtime.start(run, len(requests), proposal, again=again)
            # Who is to begin comes last: it then goes on from its first probe without waiting there.
            first = proposal.prefix[0] if proposal.prefix else 0
            for actor in (*range(first + 1, len(requests)), *range(first + 1)):
                connections[actor].send_again(requests[actor], HEADER, f"{run}.{actor}")
            execution = runtime.finish(run)
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
        log = self._store.log(application.name)
        self.starts += 1
        started = start(application, self._listener, log, again=bool(self.port))
        self._process, self._runtime, self.port = started
        self._pool = Pool(self.port, application.timeout)
        self._laps = Laps(started.runtime, self.port, self._numbers) if started.runtime.laps else None
        self._seen.clear()

    def _running(self) -> Runtime:
        if self._laps is not None and not self._laps.settle():
            self._end()
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
        self._laps = None
        self._close_control()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._process is not None:
            self._process.end()
            self._process = None


def _text(response: Response) -> str:
    return f"{response.status} {response.text}"


def _unended(answers: Sequence[Response | None], execution: Execution) -> Observed | None:
    """Give what was seen of an execution that did not end; None of one that did."""
    if execution.trace.end not in {End.STUCK, End.HUNG}:
        return None
    waiting = tuple(sorted(actor for actor, _ in execution.trace.pending))
    stuck = waiting if execution.trace.end is End.STUCK else ()
    return Observed(Observation(tuple(answers)), (execution,), stuck)
