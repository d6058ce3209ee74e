"""Between an unmodified application and its Redis: commands wait until they are granted.

Owns the sockets. Single-threaded on purpose: nothing moves but inside `pump`, so what was seen is what
happened, in that order. It must not know requests: whoever steers says which request sent what came.
What is a step is `wire.redis_steps`' to say.

Requests may share one connection (a multiplexed one: redis-rs' `MultiplexedConnection`). The server may
then get commands in another order than they came in, but replies go back in that order alone, since
RESP has no number to tell them by: a reply that may not overtake another is kept *behind* it.
"""

import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deadheat.io.ports import listening
from deadheat.io.redis_admin import Server
from deadheat.io.waiting import Waiting, Watched, ready, received, send
from deadheat.model import TargetError
from deadheat.wire.redis import Command, Commands, ProtocolError, Received, Replies
from deadheat.wire.redis_steps import Session, Unit

_TIMEOUT = 10.0  # seconds in which Redis is to accept a connection
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it


@dataclass(eq=False)
class Entry:
    """A unit under way: it came, was sent, was answered; once its answer is passed on it is gone."""

    unit: Unit
    owner: int | None = None
    sent: bool = False
    kept: bool = False
    behind: bool = False
    replies: list[bytes] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        """Whether the server has said all."""
        return self.sent and len(self.replies) >= self.unit.replies


@dataclass
class Habits:
    """What all connections have in common."""

    scripts: dict[str, bytes] = field(default_factory=dict)
    """The scripts that the server knows, by their SHA-1."""
    background: set[str] = field(default_factory=set)
    """Statements that the application sends without being asked: they pass."""
    learning: bool = False
    """Whether every step that comes now is such a one."""
    steps: int = 0
    """How many steps came, over all."""

    def pass_by(self, unit: Unit) -> Unit:
        """Count a unit that came; no step of the application's own is one to be held."""
        self.steps += unit.is_step
        if self.learning and unit.is_step:
            self.background.add(unit.statement)
        unit.is_step = unit.is_step and unit.statement not in self.background
        return unit


class Link:
    """One connection of the application's, and its other half to the server."""

    def __init__(self, client: socket.socket, server: socket.socket, habits: Habits) -> None:
        """Pass on nothing yet."""
        self.client = client
        self.server = server
        self.session = Session(habits.scripts)
        self._habits = habits
        self.entries: deque[Entry] = deque()
        self.leased_by: int | None = None
        self.port: int = server.getsockname()[1]
        """By which the server knows the connection."""
        self.from_client = Commands()
        self.from_server = Replies()
        self._asked: deque[Entry] = deque()
        self._begun: list[Command] = []

    def came(self, data: bytes, owner: int | None, *, gate: bool) -> None:
        """Take bytes of the client's, for a request of `owner`'s, and send what may go."""
        self._begun += self.from_client.feed(data)
        if self.from_client.rest and any(one.name == "MULTI" for one in self._begun):
            return  # the rest of a transaction is on its way
        begun, self._begun = self._begun, []
        if begun and owner is not None:
            self._share(begun, owner)
        self.entries.extend(Entry(self._habits.pass_by(unit), owner) for unit in self.session.units(begun))
        self.advance(gate=gate)

    def _share(self, begun: Sequence[Command], owner: int) -> None:
        """Refuse what makes a connection one request's, where another one has something under way."""
        if self.leased_by not in {None, owner}:
            self.session.unsupported = "two requests share the connection on which one began MULTI"
            return
        shared = any(other.owner not in {None, owner} for other in self.entries)
        if shared and any(one.name == "SELECT" for one in begun):
            self.session.unsupported = "two requests share the connection on which one selects a database"

    def advance(self, *, gate: bool) -> None:
        """Send what may go, in order for each owner: never a step while the gate is shut."""
        stopped: set[int | None] = set()
        for entry in self.entries:
            if entry.sent or entry.owner in stopped:
                continue
            if gate and entry.unit.is_step:
                stopped.add(entry.owner)
            else:
                self.send(entry)
        self.deliver()

    def send(self, entry: Entry) -> None:
        """Send one unit."""
        entry.sent = True
        self._asked.append(entry)
        send(self.server, entry.unit.raw)

    def said(self, received: Sequence[Received]) -> None:
        """Take what the server said, and pass on what may go."""
        for one in received:
            if self.session.is_message(one.frame) or not self._next():
                send(self.client, one.raw)
            else:
                self._asked[0].replies.append(one.raw)
        self._next()
        self.deliver()

    def _next(self) -> bool:
        """Whether a reply is still awaited."""
        while self._asked and self._asked[0].answered:
            self._asked.popleft()
        return bool(self._asked)

    def deliver(self) -> None:
        """Pass on answers in the order of the commands, up to one that is missing or kept."""
        data: list[bytes] = []
        while self.entries and self.entries[0].answered and not self.entries[0].kept:
            data += self.entries.popleft().replies
        if data:
            send(self.client, b"".join(data))
        before: set[int | None] = set()
        for entry in self.entries:
            if entry.answered and before - {entry.owner}:
                entry.kept = entry.behind = True
            before.add(entry.owner)

    def close(self) -> None:
        """Close both halves."""
        self.client.close()
        self.server.close()


class Lane:
    """What one owner has under way on one link."""

    def __init__(self, link: Link, owner: int | None) -> None:
        """Nothing may be under way yet."""
        self.link = link
        self.owner = owner

    @property
    def entries(self) -> Iterator[Entry]:
        """The owner's units, in order."""
        return (entry for entry in self.link.entries if entry.owner == self.owner)

    @property
    def held(self) -> Entry | None:
        """The step that waits to be granted: every unit before it was answered."""
        for entry in self.entries:
            if not entry.sent:
                return entry
            if not entry.answered or entry.kept:
                return None
        return None

    @property
    def holds(self) -> bool:
        """Whether a step waits to be granted."""
        return self.held is not None

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        leased = self.link.session.queueing and self.link.leased_by == self.owner
        return leased or any(True for _ in self.entries)

    @property
    def waiting(self) -> bool:
        """Whether Redis has not answered yet what it was given."""
        return any(entry.sent and not entry.answered for entry in self.entries)

    @property
    def kept(self) -> Entry | None:
        """The answer, or the one to come, that is kept back."""
        return next((entry for entry in self.entries if entry.kept), None)

    @property
    def behind(self) -> bool:
        """Whether an answer may not be passed on before one to another owner, which is not there yet."""
        kept = self.kept
        return kept is not None and kept.behind and kept is not self.link.entries[0]

    @property
    def hindered(self) -> bool:
        """Whether the step that is held came after one of another owner's on the same connection."""
        held = self.held
        if held is None:
            return False
        return any(not entry.sent for entry in self._before(held) if entry.owner != self.owner)

    def _before(self, last: Entry) -> Iterator[Entry]:
        for entry in self.link.entries:
            if entry is last:
                return
            yield entry


class Proxy:
    """Listens on loopback before one Redis.

    Raises (from every method):
        TargetError: the server cannot be reached, or what is said is not its protocol.
    """

    def __init__(self, server: Server) -> None:
        """Listen; connect to nothing yet."""
        self._server = server
        self._waiting = Waiting[tuple[Link, bool] | None]()
        self._socket = listening()
        self._waiting.add(self._socket, None)
        self.habits = Habits()
        self._lanes: dict[tuple[Link, int | None], Lane] = {}
        self.port: int = self._socket.getsockname()[1]
        self.links: list[Link] = []
        self.gate = False
        self.running: int | None = None
        """The owner of whatever comes."""
        self.opened = 0
        """How many connections there were, over all."""
        self.stirred = 0
        """How often something came, over all: to see whether something did."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """Whatever has something under way, or had it since the gate was last opened."""
        return list(self._lanes.values())

    @property
    def unsupported(self) -> str:
        """Why what the application does cannot be explored, empty if it can."""
        return next((link.session.unsupported for link in self.links if link.session.unsupported), "")

    @property
    def stray(self) -> str:
        """A step that came while nobody was running, empty if none did."""
        entries = (entry for link in self.links for entry in link.entries)
        if not self.gate:
            return ""
        return next((e.unit.statement for e in entries if e.owner is None and not e.sent), "")

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

    def open_gate(self) -> None:
        """Let every command pass, those that wait first."""
        self.gate = False
        self._lanes.clear()
        for link in tuple(self.links):
            link.leased_by = None
            for entry in link.entries:
                entry.owner, entry.kept, entry.behind = None, False, False
            self._guarded(link, lambda link: link.advance(gate=False))
            self._guarded(link, Link.deliver)
            self._look(link)

    def grant(self, lane: Lane) -> None:
        """Let a kept answer go to the application, or else the step that is held to the server."""
        kept, held = lane.kept, lane.held
        if kept is not None:
            kept.kept = kept.behind = False
            self._guarded(lane.link, Link.deliver)
        elif held is not None:
            self._guarded(lane.link, lambda link: link.send(held))
            self._guarded(lane.link, lambda link: link.advance(gate=self.gate))

    def keep(self, lane: Lane) -> None:
        """Keep back the answer to what was sent last."""
        for entry in lane.entries:
            if entry.sent and not entry.kept:
                entry.kept = True
                return

    def close(self) -> None:
        """Close everything."""
        self.drop_all()
        self._waiting.close()
        self._socket.close()

    def drop_all(self) -> None:
        """Close every connection, but go on listening."""
        self.gate = False
        for link in tuple(self.links):
            self._drop(link)

    def _look(self, link: Link) -> None:
        """Make a lane for whoever came to have something under way."""
        if not link.session.queueing:
            link.leased_by = None
        elif link.leased_by is None:
            link.leased_by = self.running
        for owner in {link.leased_by, *(entry.owner for entry in link.entries)}:
            if (link, owner) not in self._lanes:
                self._lanes[link, owner] = Lane(link, owner)

    def _guarded(self, link: Link, action: Callable[[Link], object]) -> None:
        try:
            action(link)
        except OSError:
            self._drop(link)

    def _accept(self) -> None:
        client, _ = self._socket.accept()
        try:
            server = socket.create_connection((self._server.host, self._server.port), _TIMEOUT)
        except OSError as error:
            client.close()
            raise TargetError(f"the Redis cannot be reached: {error}") from error
        for half in (client, server):
            ready(half)
        link = Link(client, server, self.habits)
        self.opened += 1
        self.links.append(link)
        self._waiting.add(client, (link, True))
        self._waiting.add(server, (link, False))

    def _move(self, link: Link, *, of_client: bool) -> None:
        try:
            data = received(link.client if of_client else link.server)
            if data is None:
                return
            if not data:
                self._drop(link)
                if not of_client and not link.session.quits:
                    raise TargetError("Redis closed a connection that the application had not given up")
            elif of_client:
                # A client without TCP_NODELAY sends a second command only once its first is acknowledged:
                # where requests share a connection, that was 40 ms each time (tcp(7), RFC 1122, 4.2.3.2).
                if _QUICKACK is not None:
                    link.client.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
                link.came(data, self.running, gate=self.gate)
                self._look(link)
            else:
                link.said(list(link.from_server.feed(data)))
        except OSError:
            self._drop(link)
        except ProtocolError as error:
            self._drop(link)
            raise TargetError(f"between application and Redis: {error}") from error

    def _drop(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
            for key in [key for key in self._lanes if key[0] is link]:
                del self._lanes[key]
            self._waiting.remove(link.client)
            self._waiting.remove(link.server)
            link.close()
