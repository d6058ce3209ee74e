"""One connection to PostgreSQL as units: which of them is a step, and what it touches.

Owns what the controller may hold. A *unit* is what the server answers with one ReadyForQuery: a
Query, or the extended messages up to a Sync (PostgreSQL documentation, "Extended Query"). A unit is
a *step* when it executes a statement that reads or writes tables; opening and leaving a transaction
that changed nothing, settings, `SELECT 1` and pings are none. It must not know a socket, nor who
sent the request. What a statement touches is `wire.pg_sql`'s to say.
"""

from collections import deque
from dataclasses import dataclass, field

from msgspec import Struct

from deadheat.wire import pg_sql, postgres
from deadheat.wire.pg_sql import Access, Effect
from deadheat.wire.postgres import Message

IDLE = "I"


@dataclass
class Prepared:
    """A statement by name: its text, and the types of its parameters once they are known."""

    sql: str
    types: tuple[int, ...]


_LOST = Prepared("?", ())
"""What executes a statement that was never seen: no SQL, and so unknown."""


class Executed(Struct, frozen=True):
    """A statement that a unit executes, with its parameters as they were bound."""

    prepared: Prepared
    bind: postgres.Bind | None = None

    @property
    def accesses(self) -> tuple[Access, ...]:
        """What it touches; read it when every Describe before it has been answered."""
        values: tuple[pg_sql.Value | None, ...] = ()
        if self.bind is not None:
            types = self.prepared.types
            values = tuple(
                pg_sql.decode(types[index] if index < len(types) else 0, self.bind.format(index), value)
                for index, value in enumerate(self.bind.values)
            )
        return pg_sql.accesses(self.prepared.sql, values)


@dataclass
class Unit:
    """Bytes that go to the server together, and what they do."""

    raw: bytes = b""
    executed: list[Executed] = field(default_factory=list)
    described: deque[str] = field(default_factory=deque)
    answered: bool = False
    """Whether the server ends its answer with ReadyForQuery."""

    @property
    def effects(self) -> frozenset[Effect]:
        """What kinds of statement it executes."""
        return frozenset(effect for one in self.executed for effect in pg_sql.effects(one.prepared.sql))

    @property
    def statement(self) -> str:
        """The statements in words, normalised: the same for other values and other spacing."""
        return "; ".join(pg_sql.normalised(one.prepared.sql) for one in self.executed)


@dataclass
class Session:
    """A connection as its messages tell it: feed both directions, in the order they are passed on."""

    status: str = ""
    """ReadyForQuery's: I idle, T in a transaction, E in a failed one; empty before the first."""
    pid: int = 0
    in_flight: deque[Unit] = field(default_factory=deque)
    unsupported: str = ""
    """Why what happens here cannot be explored, empty if it can."""
    _statements: dict[str, Prepared] = field(default_factory=dict)
    _portals: dict[str, Executed] = field(default_factory=dict)
    _open: Unit = field(default_factory=Unit)
    _touched: bool = False

    def from_client(self, message: Message) -> Unit | None:
        """Take a message of the client's; give the unit that it completes."""
        unit = self._open
        unit.raw += message.raw
        match message.kind:
            case "Q":
                unit.executed.append(Executed(Prepared(postgres.read_query(message), ())))
                return self._complete(answered=True)
            case "P":
                parse = postgres.read_parse(message)
                self._statements[parse.name] = Prepared(parse.sql, parse.types)
            case "B":
                bind = postgres.read_bind(message)
                prepared = self._statements.get(bind.statement) or _LOST
                self._portals[bind.portal] = Executed(prepared, bind)
            case "D":
                kind, name = postgres.read_target(message)
                if kind == "S":
                    unit.described.append(name)
            case "E":
                portal = self._portals.get(postgres.read_name(message))
                unit.executed.append(portal or Executed(_LOST))
            case "S":
                return self._complete(answered=True)
            case "H":
                if unit.executed:
                    self.unsupported = "it executes statements with Flush instead of Sync"
                return self._complete(answered=False)
            case "C":
                pass
            case "F":
                self.unsupported = "it uses function calls of the old protocol"
                return self._complete(answered=True)
            case _:  # passwords, COPY data, Terminate
                return self._complete(answered=False)
        return None

    def sent(self, unit: Unit) -> None:
        """Note that a unit goes to the server now."""
        if unit.answered:
            self.in_flight.append(unit)
        if {Effect.TOUCH, Effect.UNKNOWN} & unit.effects:
            self._touched = True

    def from_server(self, message: Message) -> None:
        """Take a message of the server's."""
        match message.kind:
            case "Z":
                self.status = message.body.decode("latin-1")
                if self.in_flight:
                    self.in_flight.popleft()
                if self.status == IDLE:
                    self._touched = False
            case "K":
                self.pid = postgres.read_key(message)
            case "t":
                if self.in_flight and self.in_flight[0].described:
                    known = self._statements.get(self.in_flight[0].described.popleft())
                    if known is not None:
                        known.types = postgres.read_types(message)
            case "G" | "W":
                self.unsupported = "it uses COPY from the client"
            case _:
                pass

    def is_step(self, unit: Unit) -> bool:
        """Whether a unit, next in line, is to be held."""
        effects = unit.effects
        if {Effect.TOUCH, Effect.UNKNOWN} & effects:
            return True
        return Effect.FINISH in effects and self._touched and self.in_transaction

    @property
    def in_transaction(self) -> bool:
        """Whether the connection is leased: a transaction is open on it."""
        return self.status not in {"", IDLE}

    def accesses(self, unit: Unit) -> tuple[Access, ...]:
        """What a step touches, as far as other requests can tell; empty is unknown.

        Only a statement that is a transaction of its own touches just its rows. In an open one it
        may wait for locks, see an old snapshot, or become visible later: that conflicts with all.
        """
        touching = [one for one in unit.executed if pg_sql.effects(one.prepared.sql) != (Effect.NONE,)]
        alone = len(touching) == 1 and len(unit.effects) == 1 and not self.in_transaction
        return touching[0].accesses if alone else ()

    def _complete(self, *, answered: bool) -> Unit:
        unit, self._open = self._open, Unit()
        unit.answered = answered
        return unit
