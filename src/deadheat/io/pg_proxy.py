"""Between an unmodified application and its PostgreSQL: statements wait until they are granted.

Owns the sockets. Single-threaded on purpose: nothing moves but inside `pump`, so what was seen is
what happened, in that order. It must not know requests: it says which connections hold a step, and
whoever steers says who that is. What is a step is `wire.pg_steps`' to say.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from deadheat.io.pg_admin import DETECTS, Database
from deadheat.io.ports import listening
from deadheat.io.tls_server import secured
from deadheat.io.waiting import Waiting, Watched, ready, received, send
from deadheat.model import TargetError
from deadheat.wire import pg_sql, postgres
from deadheat.wire.pg_steps import Session, Unit
from deadheat.wire.pg_transaction import Catalogue
from deadheat.wire.postgres import Framer, Message, ProtocolError

_PING = Message("S", b"").raw  # a Sync alone: there is nothing to synchronise
_READY = Message("Z", b"I").raw
_TIMEOUT = 10.0  # seconds in which the database is to accept a connection
_FAILING = 0.1  # seconds in which a transaction that failed gives up its locks, on a busy machine, too
_DEADLOCK = "40P01"
_FATAL = frozenset({"FATAL", "PANIC"})
_HELD = "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0 -c lock_timeout=0"


class Link:
    """One connection of the application's, and its other half to the server."""

    def __init__(self, client: socket.socket, server: socket.socket, habits: "Habits") -> None:
        """Pass on nothing yet."""
        self.client = client
        self.server = server
        self.session = Session(catalogue=habits.catalogue)
        self.last_words = ""
        """What the database said before it closed the connection."""
        self.leaving = False
        """Whether the application said goodbye."""
        self.background = False
        """Whether what is under way on it is nobody's request."""
        self.asked_for_tls = False
        self._habits = habits
        self.queue: deque[Unit] = deque()
        self.owner: int | None = None
        self.failed_at = 0.0
        """When a statement failed that no ReadyForQuery follows."""
        self.muffled = False
        self._kept: list[bytes] = []
        self.from_client = Framer(opening=True)
        self.from_server = Framer()

    @property
    def held(self) -> Unit | None:
        """The step that waits to be granted."""
        if self.queue and not self.session.in_flight and self.session.is_step(self.queue[0]):
            return self.queue[0]
        return None

    @property
    def holds(self) -> bool:
        """Whether a step waits to be granted."""
        return self.held is not None

    @property
    def waiting(self) -> bool:
        """Whether the database has not answered yet what it was given."""
        return bool(self.session.in_flight)

    @property
    def behind(self) -> bool:
        """Deny it: one request at a time uses a connection, so that no answer waits for another."""
        return False

    @property
    def hindered(self) -> bool:
        """Deny it, for the same reason."""
        return False

    @property
    def failing(self) -> bool:
        """Whether it may still have the locks that it gives up: an error is told before they are."""
        return time.monotonic() - self.failed_at < _FAILING

    @property
    def busy(self) -> bool:
        """Whether something is under way on it: a unit, or a transaction."""
        return bool(self.queue or self.session.in_flight or self.session.in_transaction)

    @property
    def idle(self) -> bool:
        """Whether a ping can be answered at once.

        A pool asks whether the connection is there, on each use of it: the way there and back would be
        a tenth of an execution.
        """
        opening = self.from_client.opening or self.from_client.partial
        return not (opening or self.muffled or self.busy or self.session.partial)

    def read(self, data: bytes) -> Iterable[Message]:
        """Give the messages of the application's that `data` completes."""
        return self.from_client.feed(data) if self.from_client.opening else self.from_client.take(data)[0]

    def advance(self, *, gate: bool) -> None:
        """Send what may go, in order: after an answer, and never a step while the gate is shut."""
        while self.queue:
            unit = self.queue[0]
            if unit.answered and self.session.in_flight:
                return
            if unit.raw == _PING and not self.session.in_transaction:
                self.queue.popleft()
                self.answer(_READY)
                continue
            if gate and unit.answered and self.session.is_step(unit) and not self._passes(unit):
                return
            self.send()

    def _passes(self, unit: Unit) -> bool:
        """Whether a step is none of a request's: a transaction that begins so is not, to its end."""
        self.background = self.background or unit.statement in self._habits.background
        return self.background

    def send(self) -> None:
        """Send the unit that is next."""
        unit = self.queue.popleft()
        if unit.answered and self.session.is_step(unit):
            self._habits.steps += 1
            self._habits.prepared += unit.named and not unit.executed
            if self._habits.learning and not self.background:
                self._habits.background.add(unit.statement)
                self.background = True
        send(self.server, unit.raw)  # first, so that the server works while it is noted
        self.session.sent(unit)

    def receive(self, message: Message) -> None:
        """Take what the server says."""
        self.session.from_server(message)
        if message.kind == "E":
            if not self.session.in_flight:
                self.failed_at = time.monotonic()
            error = postgres.read_error(message)
            self._habits.deadlocks += error.get("C") == _DEADLOCK
            if error.get("V") in _FATAL:
                self.last_words = error.get("M", "")
        if not self.session.in_flight and not self.session.in_transaction:
            self.background = False

    def answer(self, data: bytes) -> None:
        """Pass messages on to the application in one go, or keep them while muffled."""
        if self.muffled:
            self._kept.append(data)
        elif data:
            send(self.client, data)

    def unmuffle(self) -> None:
        """Pass on what was kept."""
        self.muffled = False
        kept, self._kept = self._kept, []
        if kept:
            send(self.client, b"".join(kept))

    def close(self) -> None:
        """Close both halves."""
        self.client.close()
        self.server.close()


@dataclass
class Habits:
    """What all connections have in common: the database's ways, and the application's own."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    background: set[str] = field(default_factory=set)
    """Statements that the application sends without being asked: they pass."""
    learning: bool = False
    """Whether every step that comes now is such a one."""
    steps: int = 0
    """How many steps were sent, over all."""
    prepared: int = 0
    """How many steps did no more than prepare a statement under a name, over all."""
    detects: bool = False
    """Whether the database's user may have deadlocks looked for at once."""
    deadlocks: int = 0
    """How many of them the database found, over all."""


class Proxy:
    """Listens on loopback before one database.

    Raises (from every method):
        TargetError: the database cannot be reached, or what is said is not its protocol.
    """

    def __init__(self, database: Database) -> None:
        """Listen; connect to nothing yet."""
        self._database = database
        self._waiting = Waiting[tuple[Link, bool] | None]()
        self._socket = listening()
        self._waiting.add(self._socket, None)
        self.port: int = self._socket.getsockname()[1]
        self.links: list[Link] = []
        self.moved: set[Link] = set()
        """Where something came, for whoever attributes it to take them out."""
        self.habits = Habits()
        self.gate = False
        self.encrypts = False
        """Whether TLS is spoken with who asks for it: only with those who insist, for it takes its time."""
        self.insisted = False
        """Whether somebody left because there was none."""
        self._refused = ""
        self.opened = 0
        """How many connections there were, over all."""
        self.stirred = 0
        """How often something came, over all: to see whether something did."""

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once, waiting up to `timeout` seconds for some; give the watched that are readable."""
        ours, readable = self._waiting.wait(timeout, watched)
        self.stirred += len(ours) + len(readable)
        for whose in ours:
            if whose is None:
                self._accept()
            elif whose[0] in self.links:
                self._move(whose[0], of_client=whose[1])
        return readable

    @property
    def unsupported(self) -> str:
        """Why what the application does cannot be explored, empty if it can."""
        if self.insisted:
            return "it insists on TLS to its database (sslmode=require)"
        if self._refused:
            return (
                "it does not take the proxy's certificate, which nobody vouches for: sslmode=require would"
                f" do, verify-ca and verify-full do not ({self._refused})"
            )
        return next((link.session.unsupported for link in self.links if link.session.unsupported), "")

    def open_gate(self) -> None:
        """Let every statement pass, those that wait first."""
        self.gate = False
        for link in tuple(self.links):
            link.owner = None
            self._guarded(link, Link.unmuffle)
            self._guarded(link, lambda link: link.advance(gate=False))

    def grant(self, link: Link) -> None:
        """Let the step that `link` holds go to the server, or its kept answer to the application."""
        self._guarded(link, lambda link: link.unmuffle() if link.muffled else link.send())

    def close(self) -> None:
        """Close everything."""
        for link in tuple(self.links):
            self._drop(link)
        self._waiting.close()
        self._socket.close()

    def drop_all(self) -> None:
        """Close every connection, but go on listening."""
        self.gate = False
        for link in tuple(self.links):
            self._drop(link)

    def _guarded(self, link: Link, action: Callable[[Link], object]) -> None:
        try:
            action(link)
        except OSError:
            self._drop(link)

    def _accept(self) -> None:
        client, _ = self._socket.accept()
        try:
            server = socket.create_connection((self._database.host, self._database.port), _TIMEOUT)
        except OSError as error:
            client.close()
            raise TargetError(f"the database cannot be reached: {error}") from error
        for half in (client, server):
            ready(half)
        link = Link(client, server, self.habits)
        self.opened += 1
        self.links.append(link)
        self._waiting.add(client, (link, True))
        self._waiting.add(server, (link, False))

    def _move(self, link: Link, *, of_client: bool) -> None:
        self.moved.add(link)
        try:
            data = received(link.client if of_client else link.server)
            if data is None:
                return
            if not data:
                self._drop(link)
                if not (of_client or link.leaving or link.from_client.opening):
                    raise TargetError("the database closed a connection: it is gone")
                return
            if of_client:
                if data == _PING and link.idle:
                    send(link.client, _READY)
                    return
                for message in link.read(data):
                    self._from_client(link, message)
            else:
                messages, whole = link.from_server.take(data)
                link.answer(whole)  # first, so that the application works while it is read
                for message in messages:
                    link.receive(message)
                if link.last_words:
                    self._drop(link)
                    raise TargetError(f"the database closed a connection: {link.last_words}")
            link.advance(gate=self.gate)
        except OSError:
            self._drop(link)
        except ProtocolError as error:
            self._drop(link)
            raise TargetError(f"between application and database: {error}") from error

    def _from_client(self, link: Link, message: Message) -> None:
        if link.from_client.opening:
            self._open(link, message)
            return
        unit = link.session.from_client(message)
        link.leaving = link.leaving or message.kind == "X"
        if unit is not None:
            link.queue.append(unit)

    def _open(self, link: Link, message: Message) -> None:
        """Answer a client's first message; there is no time-out while a step is held."""
        code = postgres.opening_code(message)
        if code == postgres.SSL_REQUEST and self.encrypts:
            self._secure(link)
        elif code in {postgres.SSL_REQUEST, postgres.GSSENC_REQUEST}:
            link.asked_for_tls = link.asked_for_tls or code == postgres.SSL_REQUEST
            send(link.client, b"N")
        elif code == postgres.CANCEL_REQUEST:
            send(link.server, message.raw)
        elif code == postgres.PROTOCOL_3:
            given = postgres.parameters(message)
            detects = self.habits.detects and given.get("user") == self._database.user
            options = (given.get("options", ""), _HELD, f"-c {DETECTS}" if detects else "")
            given["options"] = " ".join(filter(None, options))
            settings = " ".join(f"{name} {value}" for name, value in given.items()).replace("\\", "")
            link.session.level = pg_sql.level(settings)
            link.from_client.opening = link.asked_for_tls = False
            self.insisted, self._refused = False, ""
            link.session.in_flight.append(Unit(answered=True))
            send(link.server, postgres.startup(given).raw)
        else:
            raise ProtocolError(f"protocol {code >> 16}.{code & 0xFFFF} is not spoken here")

    def _secure(self, link: Link) -> None:
        """Speak TLS with the client from now on."""
        send(link.client, b"S")
        self._waiting.remove(link.client)
        try:
            link.client = secured(link.client)
        except OSError as error:
            self._refused = str(error)
            raise
        ready(link.client)
        self._waiting.add(link.client, (link, True))

    def _drop(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
            self.moved.discard(link)
            self.insisted = self.insisted or link.asked_for_tls
            self._waiting.remove(link.client)
            self._waiting.remove(link.server)
            link.close()
