"""Between an unmodified application and its PostgreSQL: statements wait until they are granted.

Owns the sockets. Single-threaded on purpose: nothing moves but inside `pump`, so what was seen is
what happened, in that order. It must not know requests: it says which connections hold a step, and
whoever steers says who that is. What is a step is `wire.pg_steps`' to say.
"""

import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deadheat.io.pg_admin import Database
from deadheat.io.ports import listening
from deadheat.model import TargetError
from deadheat.wire import pg_sql, postgres
from deadheat.wire.pg_steps import Session, Unit
from deadheat.wire.pg_transaction import Catalogue
from deadheat.wire.postgres import Framer, Message, ProtocolError

_PING = Message("S", b"").raw  # a Sync alone: there is nothing to synchronise
_READY = Message("Z", b"I")
_TIMEOUT = 10.0  # seconds a peer may take to read what it is sent
_FATAL = frozenset({"FATAL", "PANIC"})
_HELD = "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0 -c lock_timeout=0"


class Watched(Protocol):
    """A socket of somebody else's that is awaited together with ours."""

    def fileno(self) -> int:
        """Give its number."""


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
    def busy(self) -> bool:
        """Whether something is under way on it: a unit, or a transaction."""
        return bool(self.queue or self.session.in_flight or self.session.in_transaction)

    def advance(self, *, gate: bool) -> None:
        """Send what may go, in order: after an answer, and never a step while the gate is shut."""
        while self.queue:
            unit = self.queue[0]
            if unit.answered and self.session.in_flight:
                return
            if unit.raw == _PING and not self.session.in_transaction:
                # A pool asks whether the connection is there, on each use of it: the way there and
                # back is a tenth of an execution.
                self.queue.popleft()
                self.answer((_READY,))
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
            if self._habits.learning and not self.background:
                self._habits.background.add(unit.statement)
                self.background = True
        self.session.sent(unit)
        self.server.sendall(unit.raw)

    def receive(self, message: Message) -> None:
        """Take what the server says."""
        self.session.from_server(message)
        if message.kind == "E":
            error = postgres.read_error(message)
            if error.get("V") in _FATAL:
                self.last_words = error.get("M", "")
        if not self.session.in_flight and not self.session.in_transaction:
            self.background = False

    def answer(self, messages: Sequence[Message]) -> None:
        """Pass messages on to the application in one go, or keep them while muffled."""
        data = b"".join(message.raw for message in messages)
        if self.muffled:
            self._kept.append(data)
        elif data:
            self.client.sendall(data)

    def unmuffle(self) -> None:
        """Pass on what was kept."""
        self.muffled = False
        kept, self._kept = self._kept, []
        if kept:
            self.client.sendall(b"".join(kept))

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


class Proxy:
    """Listens on loopback before one database.

    Raises (from every method):
        TargetError: the database cannot be reached, or what is said is not its protocol.
    """

    def __init__(self, database: Database) -> None:
        """Listen; connect to nothing yet."""
        self._database = database
        self._selector = selectors.DefaultSelector()
        self._socket = listening()
        self._selector.register(self._socket, selectors.EVENT_READ, None)
        self.port: int = self._socket.getsockname()[1]
        self.links: list[Link] = []
        self.habits = Habits()
        self.gate = False
        self._tls_only = False
        self.opened = 0
        """How many connections there were, over all."""
        self.stirred = 0
        """How often something came, over all: to see whether something did."""

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once, waiting up to `timeout` seconds for some; give the watched that are readable."""
        for each in watched:
            self._selector.register(each.fileno(), selectors.EVENT_READ, each)
        try:
            events = self._selector.select(timeout)
        finally:
            for each in watched:
                self._selector.unregister(each.fileno())
        self.stirred += len(events)
        readable: list[Watched] = []
        for key, _ in events:
            if key.data is None:
                self._accept()
            elif isinstance(key.data, tuple):
                link, of_client = key.data
                if link in self.links:
                    self._move(link, of_client=of_client)
            else:
                readable.append(key.data)
        return readable

    @property
    def unsupported(self) -> str:
        """Why what the application does cannot be explored, empty if it can."""
        if self._tls_only:
            return "it insists on TLS to its database (sslmode=require), which the proxy does not speak"
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
        self._selector.close()
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
            half.settimeout(_TIMEOUT)
            half.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server, self.habits)
        self.opened += 1
        self.links.append(link)
        self._selector.register(client, selectors.EVENT_READ, (link, True))
        self._selector.register(server, selectors.EVENT_READ, (link, False))

    def _move(self, link: Link, *, of_client: bool) -> None:
        try:
            data = _received(link.client if of_client else link.server)
            if not data:
                self._drop(link)
                if not (of_client or link.leaving or link.from_client.opening):
                    raise TargetError("the database closed a connection: it is gone")
                return
            if of_client:
                for message in link.from_client.feed(data):
                    self._from_client(link, message)
            else:
                messages = list(link.from_server.feed(data))
                for message in messages:
                    link.receive(message)
                link.answer(messages)
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
        """Answer a client's first message: no encryption here; no time-out while a step is held."""
        code = postgres.opening_code(message)
        if code in {postgres.SSL_REQUEST, postgres.GSSENC_REQUEST}:
            link.asked_for_tls = link.asked_for_tls or code == postgres.SSL_REQUEST
            link.client.sendall(b"N")
        elif code == postgres.CANCEL_REQUEST:
            link.server.sendall(message.raw)
        elif code == postgres.PROTOCOL_3:
            given = postgres.parameters(message)
            given["options"] = f"{given.get('options', '')} {_HELD}".strip()
            settings = " ".join(f"{name} {value}" for name, value in given.items()).replace("\\", "")
            link.session.level = pg_sql.level(settings)
            link.from_client.opening = link.asked_for_tls = False
            self._tls_only = False
            link.session.in_flight.append(Unit(answered=True))
            link.server.sendall(postgres.startup(given).raw)
        else:
            raise ProtocolError(f"protocol {code >> 16}.{code & 0xFFFF} is not spoken here")

    def _drop(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
            self._tls_only = self._tls_only or link.asked_for_tls
            self._selector.unregister(link.client)
            self._selector.unregister(link.server)
            link.close()


def _received(half: socket.socket) -> bytes:
    """What is there; nothing when it is closed, in whatever way."""
    try:
        return half.recv(65536)
    except ConnectionError:
        return b""
