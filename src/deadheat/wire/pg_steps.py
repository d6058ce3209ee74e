"""One connection to PostgreSQL as units: which of them is a step, and what it touches.

Owns what the controller may hold. A *unit* is what the server answers with one ReadyForQuery: a
Query, or the extended messages up to a Sync (PostgreSQL documentation, "Extended Query" and
"Pipelining"). Where a Flush comes first, a unit ends there: each of its messages is answered by one
that completes it, and the transaction stays open until the Sync, which is then what commits it; after
an error the server takes nothing more until then. A unit is
a *step* when others can tell when it happens: it reads or writes tables, or ends a transaction that
did; settings, `SELECT 1` and pings are none. The data of a COPY belongs to the unit that began it.
It must not know a socket, nor who sent the request. What a statement names is `wire.pg_sql`'s to
say, and what that means in its transaction `wire.pg_transaction`'s.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from deadheat.wire import pg_sql, postgres
from deadheat.wire.pg_sql import Access, Effect, Level
from deadheat.wire.pg_transaction import Catalogue, Reading, Touch, Transaction, read
from deadheat.wire.postgres import Message

IDLE = "I"
IN_TRANSACTION = "T"
FAILED = "E"
_MOST = 4096  # units known by heart
_SYNCS = frozenset("QSF")  # whose answer ends with ReadyForQuery
_COMPLETED = frozenset("PBDEC")  # what the server answers by one of:
_COMPLETES = frozenset("12Tn3CIs")  # ParseComplete, BindComplete, RowDescription, NoData, …, PortalSuspended
_COPY_DATA = frozenset("dcfSH")  # in copy mode the server takes a Sync or Flush for nothing


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
    def sql(self) -> str:
        """Its text."""
        return self.prepared.sql

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
    parsed: list[str] = field(default_factory=list)
    named: bool = False
    """Whether a statement is prepared under a name, to be used again."""
    described: deque[str] = field(default_factory=deque)
    answered: bool = False
    """Whether the server answers it."""
    completions: int = 0
    """How many messages of the server's complete it, where that is not ReadyForQuery alone."""

    @property
    def effects(self) -> frozenset[Effect]:
        """What kinds of statement it executes."""
        return frozenset(effect for one in self.executed for effect in pg_sql.effects(one.prepared.sql))

    @property
    def statement(self) -> str:
        """The statements in words, normalised: the same for other values and other spacing."""
        return "; ".join(pg_sql.normalised(one.prepared.sql) for one in self.executed)


class Sent(NamedTuple):
    """What a unit does that went to the server."""

    touches: tuple[Touch, ...] | None = ()
    """What it touches; None is unknown."""
    taken: tuple[Touch, ...] = ()
    """The locks that it waits for while others have them."""
    own: tuple[Touch, ...] = ()
    """Those that its transaction had before."""


@dataclass
class Session:
    """A connection as its messages tell it: feed both directions, in the order they are passed on."""

    status: str = ""
    """ReadyForQuery's: I idle, T in a transaction, E in a failed one; empty before the first."""
    catalogue: Catalogue = field(default_factory=Catalogue)
    pid: int = 0
    in_flight: deque[Unit] = field(default_factory=deque)
    last: Sent = field(default_factory=Sent)
    """What was sent last."""
    unsupported: str = ""
    """Why what happens here cannot be explored, empty if it can."""
    given_up: tuple[Touch, ...] = ()
    """The locks that a transaction had whose last statement failed."""
    level: Level | None = None
    """The isolation level that the application chose for the session; None is the database's."""
    _transaction: Transaction | None = None
    _statements: dict[str, Prepared] = field(default_factory=dict)
    _portals: dict[str, Executed] = field(default_factory=dict)
    _cursors: dict[str, Executed] = field(default_factory=dict)
    _open: Unit = field(default_factory=Unit)
    _copying: bool = False
    _flushed: bool = False
    """Whether the server was asked for something since it last said its status."""
    _skipping: bool = False
    """Whether the server takes nothing any more until a Sync."""
    _read: tuple[Unit, Reading] | None = None

    def from_client(self, message: Message) -> Unit | None:
        """Take a message of the client's; give the unit that it completes."""
        unit = self._open
        unit.raw += message.raw
        if self._copying and message.kind in _COPY_DATA:
            return self._complete(answered=False)
        unit.completions = 0 if message.kind in _SYNCS else unit.completions + (message.kind in _COMPLETED)
        match message.kind:
            case "Q":
                unit.executed.append(Executed(Prepared(postgres.read_query(message), ())))
                return self._complete(answered=True)
            case "P":
                parse = postgres.read_parse(message)
                self._statements[parse.name] = Prepared(parse.sql, parse.types)
                unit.parsed.append(parse.sql)
                unit.named = unit.named or bool(parse.name)
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
                return self._complete(answered=unit.completions > 0)
            case "C":
                pass
            case "F":
                self.unsupported = "it uses function calls of the old protocol"
                return self._complete(answered=True)
            case _:  # passwords, Terminate, the end of a COPY that failed
                return self._complete(answered=False)
        return None

    def sent(self, unit: Unit) -> None:
        """Note that a unit goes to the server now."""
        if not unit.answered or (self._skipping and unit.completions):
            return
        own = self.at_risk
        reading = self._reading(unit)
        self.last = Sent(reading.touches, reading.taken, own)
        self._transaction, self._read = reading.transaction, None
        self._flushed = self._flushed or unit.completions > 0
        self.in_flight.append(unit)
        for one in unit.executed:
            cursor = pg_sql.declared(one.sql)
            if cursor is not None:
                self._cursors[cursor[0]] = one
            if pg_sql.for_session(one.sql):
                self.level = pg_sql.level(one.sql) or self.level
            elif self.level is not None and pg_sql.resets(one.sql):
                self.level = Level.UNKNOWN

    def from_server(self, message: Message) -> None:
        """Take a message of the server's."""
        flushed = self.in_flight[0] if self.in_flight and self.in_flight[0].completions else None
        if flushed is not None and message.kind in _COMPLETES:
            flushed.completions -= 1
            if not flushed.completions:
                self.in_flight.popleft()
        match message.kind:
            case "E" if flushed is not None:
                self.in_flight.popleft()
                self._fail()
            case "Z":
                self._ready(message.body.decode("latin-1"))
            case "K":
                self.pid = postgres.read_key(message)
            case "t":
                if self.in_flight and self.in_flight[0].described:
                    known = self._statements.get(self.in_flight[0].described.popleft())
                    if known is not None:
                        known.types = postgres.read_types(message)
            case "G":
                self._copying = True
            case "W":
                self.unsupported = "it replicates"
            case _:
                pass

    def is_step(self, unit: Unit) -> bool:
        """Whether a unit, next in line, is to be held."""
        return self._reading(unit).step

    @property
    def partial(self) -> bool:
        """Whether a unit has begun and not ended, or a COPY that takes a Sync for nothing."""
        return bool(self._open.raw) or self._copying

    @property
    def in_transaction(self) -> bool:
        """Whether the connection is leased: a transaction is open on it."""
        foreseen = self._flushed and self._transaction is not None
        return foreseen or self._skipping or self.status not in {"", IDLE}

    @property
    def at_risk(self) -> tuple[Touch, ...]:
        """The locks that the transaction gives up should its next statement fail."""
        return self._transaction.locked if self._transaction is not None else ()

    def touches(self, unit: Unit) -> tuple[Touch, ...] | None:
        """What a step touches, as far as other requests can tell; None is unknown."""
        return self._reading(unit).touches

    def takes(self, unit: Unit) -> tuple[Touch, ...]:
        """The locks that a step waits for while others have them."""
        return self._reading(unit).taken

    def _reading(self, unit: Unit) -> Reading:
        """What a unit does that is next in line; every Describe before it has been answered."""
        if self._read is None or self._read[0] is not unit:
            default = self.level or self.catalogue.isolation
            executed = () if self._skipping else unit.executed
            meant = tuple((one.sql, one.accesses) for own in executed for one in self._meant(own))
            parsed = () if self._skipping else tuple(unit.parsed)
            key = default, self._transaction, meant, parsed, not unit.completions
            known = self.catalogue.known
            if key not in known:
                if len(known) >= _MOST:
                    known.clear()
                known[key] = read(self.catalogue, *key)
            self._read = (unit, known[key])
        return self._read[1]

    def _meant(self, one: Executed) -> Iterator[Executed]:
        """A FETCH sees what its cursor's query saw at DECLARE, unless it locks the rows as they come."""
        cursor = self._cursors.get(pg_sql.fetched(one.sql) or "")
        if cursor is None or not cursor.accesses:
            yield one
        elif any(access.locks for access in cursor.accesses):
            yield cursor

    def _ready(self, status: str) -> None:
        """Note what the server says of the transaction: it knows better than what was foreseen."""
        own = self._transaction
        if self.in_flight:
            self.in_flight.popleft()
        if status == IDLE:
            own = None
        elif own is None:
            own = Transaction(Level.UNKNOWN, touched=True, unknown=True)
        elif status == FAILED and not own.failed:
            self.given_up = own.locked
            own = replace(own, failed=True)
        elif status == IN_TRANSACTION and own.failed:
            own = replace(own, failed=False)
        if not self.in_flight:
            self._transaction, self._read = own, None
        self.status = status
        self._copying = self._skipping = self._flushed = False

    def _fail(self) -> None:
        """Note that a statement failed that a Flush asked for: what follows up to a Sync is not taken."""
        self._skipping, self._copying, self._read = True, False, None
        if self._transaction is not None and not self._transaction.failed:
            self.given_up = self._transaction.locked
            self._transaction = replace(self._transaction, failed=True)

    def _complete(self, *, answered: bool) -> Unit:
        unit, self._open = self._open, Unit()
        unit.answered = answered
        return unit
