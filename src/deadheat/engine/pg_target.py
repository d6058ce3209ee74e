"""An unmodified application explored at its statements: the face of `Target`, a proxy behind it.

Owns the process, the proxy before its database and the way back to the first state, which is the
scenario's own reset requests: a new process alone does not empty a database. It must not know what
is searched for. Sequential runs go through the same proxy with the gate open.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from deadheat.engine.pg_keys import TRANSACTION, Keys
from deadheat.engine.pg_run import Run
from deadheat.engine.target import Application, Observed
from deadheat.io.hold import Execution
from deadheat.io.http import Connection, Pool
from deadheat.io.pg_admin import Admin, Database, through
from deadheat.io.pg_proxy import Proxy, free_port
from deadheat.io.process import Process
from deadheat.io.store import Store
from deadheat.model import Point, Preparation, Request, Reset, Response, TargetError
from deadheat.oracle import Observation
from deadheat.schedule import End, Proposal, Trace

_PATIENCE = 3.0  # seconds; below the time-outs of the usual pools, whose 503 would look like an answer
_LOOK = 0.01


class Unmodified(Struct, frozen=True):
    """How to start the application as it is; `database` is where DATABASE_URL leads without us.

    It takes its port from ROCKET_PORT or PORT. `ready` is how long it may take to listen, `timeout`
    how long one answer may take, both in seconds.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    database: str
    environment: Mapping[str, str] = {}
    ready: float = 30.0
    timeout: float = 10.0


class PgTarget:
    """The application with its statements held, started on demand.

    Raises (from every method that talks to it):
        TargetError: it exited or never answered, or its database cannot be stood before.
    """

    def __init__(self, application: Unmodified, store: Store) -> None:
        """Log in to the database; the application is not started yet."""
        self._application = application
        self._store = store
        self._database = Database.of(application.database)
        self._admin = Admin(self._database)
        self._proxy = Proxy(self._database)
        self._keys = Keys()
        self._process: Process | None = None
        self._pool: Pool | None = None
        self._setup: tuple[Preparation, ...] = ()
        self._clean = False
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
        """End the application and close the proxy."""
        self.abandon()
        self._proxy.close()
        self._admin.close()

    @property
    def point_table(self) -> Mapping[int, Point]:
        """The statements met so far, by number."""
        return self._keys.points

    @property
    def initial(self) -> Mapping[str, str]:
        """No state is seen but through the scenario's probes."""
        return {}

    @property
    def restorable(self) -> bool:
        """Only the application's own reset requests bring a database back."""
        return False

    @property
    def distrusted(self) -> bool:
        """Whether the database hides what a statement touches, so that no two are independent."""
        return self._keys.distrusted

    def described(self) -> Application:
        """Say what evidence needs to know: the name, the points, the names of their states."""
        states = {point.state for point in self._keys.points.values() if point.state}
        own = self._application
        return Application(
            name=own.name,
            command=own.command,
            cwd=own.cwd,
            points=tuple(self._keys.points.values()),
            paths={state: "a transaction" if state == TRANSACTION else state for state in states},
            build="",
        )

    def prepare(self, setup: Sequence[Preparation]) -> None:
        """Let `setup` be the way to the initial state, from now on."""
        if tuple(setup) != self._setup:
            self._setup = tuple(setup)
            self.abandon()

    def restart(self) -> None:
        """End the process if there is one, start another and set it up."""
        self.abandon()
        self._start()
        self._keys.distrusted = bool(self._admin.hidden_effects())
        for step in self._setup:
            response = self._ask(step.request)
            if not step.accepts(response.status):
                raise TargetError(f"the set-up request {step.request} was answered {response.status}")
        self._clean = True

    def reset(self, how: Reset, requests: Sequence[Request] = ()) -> None:
        """Go back to the initial state by the reset requests, in a new process if there is none."""
        if self._process is None or how is Reset.RESTART:
            self.restart()
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
        return self._observed(answers, Execution(Trace(()), (), ()), probes)

    def concurrent(
        self, requests: Sequence[Request], proposal: Proposal, probes: Sequence[Request] = ()
    ) -> Observed:
        """Run the requests concurrently, in the order that `proposal` begins."""
        pool = self._pooled()
        self._clean = False
        self._quiet()
        connections = [pool.take() for _ in requests]
        patience = min(_PATIENCE, self._application.timeout)
        run = Run(self._proxy, self._admin, self._keys, requests, connections, patience)
        try:
            execution = run.execute(proposal)
            if execution.trace.end in {End.HUNG, End.DIVERGED}:
                self.abandon()
                return Observed(Observation(run.responses), (execution,))
            self._proxy.open_gate()
        except TargetError:
            self.abandon()
            raise
        finally:
            # In reverse, so that the next execution uses the same connections for the same actors.
            for connection in reversed(connections):
                pool.give(connection)
        return self._observed(run.responses, execution, probes)

    def confirm_stuck(self) -> bool:
        """Deny it: PostgreSQL breaks its deadlocks itself."""
        self.abandon()
        return False

    def abandon(self) -> None:
        """End the application; the next reset starts another."""
        self._clean = False
        self._proxy.drop_all()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._process is not None:
            self._process.end()
            self._process = None

    def _observed(
        self, answers: Sequence[Response | None], execution: Execution, probes: Sequence[Request]
    ) -> Observed:
        if not self._proxy.opened:
            raise TargetError(
                f"{self._application.name} did not connect to its database through DATABASE_URL: no statement"
                " of it would be held; let it take its database from there"
            )
        seen = tuple((str(p), f"{r.status} {r.text}") for p, r in ((p, self._ask(p)) for p in probes))
        return Observed(Observation(tuple(answers), seen), (execution,))

    def _ask(self, request: Request) -> Response:
        """Send one request with the gate open, and serve its statements until it is answered."""
        pool = self._pooled()
        self._proxy.open_gate()
        connection = pool.take()
        try:
            connection.send(request)
            response = self._await(connection)
        finally:
            pool.give(connection)
        self._quiet()
        return response

    def _await(self, connection: Connection) -> Response:
        end = time.monotonic() + self._application.timeout
        while time.monotonic() < end:
            if self._proxy.pump(_LOOK, (connection,)):
                response = connection.advance()
                if response is not None:
                    return response
        raise TargetError(f"no answer within {self._application.timeout:g} s")

    def _quiet(self) -> None:
        """Await the end of what goes on after an answer: a ROLLBACK is sent late, a detached task is."""
        end = time.monotonic() + self._application.timeout
        while any(link.busy for link in self._proxy.links):
            self._proxy.pump(_LOOK)
            if time.monotonic() > end:
                raise TargetError("a transaction stays open after every request was answered")
        while self._proxy.pump(0):
            pass

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
            "DATABASE_URL": through(own.database, self._proxy.port),
        }
        self._process = Process(own.command, own.cwd, environment, self._store.log(own.name))
        self.starts += 1
        end = time.monotonic() + own.ready
        while True:
            self._proxy.pump(_LOOK)
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

    def _pooled(self) -> Pool:
        if self._pool is None:
            self.restart()
        if self._pool is None:
            raise TargetError(f"{self._application.name} is not running")
        return self._pool
