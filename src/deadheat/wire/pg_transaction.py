"""What statements of one connection touch *now*, given the transaction that they are part of.

Pure. Owns when something happens, not what a statement names (`wire.pg_sql` does). The theory is
PostgreSQL's documentation, chapter 13, "Concurrency Control":

- At READ COMMITTED a write inside a transaction is a lock: others see it when COMMIT makes it so.
  A statement reads what is committed when it begins; a lock is given back at the end.
- At REPEATABLE READ the first statement sees everything as it is then, and later ones see nothing
  newer; only a write or a row lock meets what others committed (40001).
- At SERIALIZABLE reads count as well, by whole tables, since predicate locks are of pages and tables
  (Ports and Grittner, VLDB 2012); what its end decides depends on everything.
- A statement by itself is a transaction of its own.
- A foreign key reads the key of the row that it points to, and locks it against removal.

What is not known to be independent is not: a wrong independence would lose orders of events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from deadheat.wire import pg_sql
from deadheat.wire.pg_sql import Access, Effect, Level, Value

EVERY = "*"
"""In place of a column's name: any column may be meant."""


class Aspect(StrEnum):
    """What of a table is touched."""

    VALUE = "value"  # what is committed
    LOCK = "lock"  # who may change it
    KEY = "key"  # which rows are there to be pointed to by foreign keys
    SNAPSHOT = "snapshot"  # everything that is committed, in all tables


class Touch(Struct, frozen=True):
    """One thing that a step reads or writes; `new`: the row was not there before."""

    aspect: Aspect
    write: bool
    table: str = ""
    row: tuple[tuple[str, Value], ...] = ()
    new: bool = False


@dataclass
class Catalogue:
    """What the database does unasked, by table; filled in by whoever can ask it."""

    isolation: Level = Level.READ_COMMITTED
    unique: dict[str, frozenset[str]] = field(default_factory=dict)
    """Columns of unique indexes."""
    parents: dict[str, frozenset[str]] = field(default_factory=dict)
    """The tables that its foreign keys point to."""
    children: dict[str, frozenset[str]] = field(default_factory=dict)
    """The tables whose foreign keys point to it."""
    cascades: dict[str, frozenset[str]] = field(default_factory=dict)
    """The tables that change with it, ON DELETE or ON UPDATE."""
    views: dict[str, frozenset[str]] = field(default_factory=dict)
    """What is behind each view, however indirectly."""
    families: dict[str, str] = field(default_factory=dict)
    """The one name for tables that share rows: partitions, and those that inherit."""

    known: "dict[Units, Reading]" = field(default_factory=dict)
    """What was read before, which goes when anything above changes."""

    def family(self, table: str) -> str:
        """Give the name under which a table is known here."""
        return self.families.get(table, table)

    def touched(self, accesses: Iterable[Access]) -> Iterable[Access]:
        """Give what is touched by what is named: the tables behind a view, the table of a partition.

        Which row of them is not known, since a view may rename columns; nor is what a change assigns,
        so that it is taken to remove rows.
        """
        for access in accesses:
            yield replace(access, table=self.family(access.table))
            for table in self.views.get(access.table, ()):
                yield replace(access, table=self.family(table), row=(), assigned=())


class Transaction(Struct, frozen=True):
    """A transaction so far. `failed`: it gave up its locks, and waits for its end."""

    level: Level
    alone: bool = False
    """Whether it is a statement by itself, which no BEGIN opened."""
    implicit: bool = False
    """Whether it is several of that kind, up to a Sync that is still to come."""
    snapshot: bool = False
    locked: tuple[Touch, ...] = ()
    written: tuple[Touch, ...] = ()
    touched: bool = False
    unknown: bool = False
    failed: bool = False


Statement = tuple[str, tuple[Access, ...]]
"""A statement as it is executed: its text, and what that touches with its parameters; nothing is unknown."""

Units = tuple[Level, Transaction | None, tuple[Statement, ...], tuple[str, ...], bool]
"""Equal for units that do the same: the level of a transaction that asks for none, the transaction that is
open, what is executed, what is only prepared, and whether what no BEGIN opened is committed."""


@dataclass
class Reading:
    """What a unit of statements does: feed it each, then `close` it.

    `step`: others can tell when it happens.
    """

    catalogue: Catalogue
    default: Level
    """The isolation level of a transaction that asks for none."""
    transaction: Transaction | None
    step: bool = False
    unknown: bool = False
    found: list[Touch] = field(default_factory=list)
    touches: tuple[Touch, ...] | None = None
    """What it touches, once it is closed; None is unknown."""
    taken: tuple[Touch, ...] = ()
    """The locks among that which somebody else may have: it waits for them."""

    def feed(self, statement: Statement) -> None:
        """Take the next statement that the unit executes."""
        effects = pg_sql.effects(statement[0])
        if len(effects) > 1:
            self._several(effects)
        elif effects:
            self._one(effects[0], statement)

    def parsed(self, sql: str) -> None:
        """Take a statement that the unit only prepares: to understand it takes a snapshot, too."""
        if {Effect.TOUCH, Effect.READING, Effect.UNKNOWN} & set(pg_sql.effects(sql)):
            self._look()

    def close(self, *, commits: bool = True) -> None:
        """End the unit; if it `commits`, what no BEGIN opened is committed with it."""
        own = self.transaction
        if own is not None and own.alone and commits:
            self.found += [*own.locked, *own.written]
            self.transaction = None
        elif own is not None and own.alone:
            self.transaction = replace(own, alone=False, implicit=True, snapshot=True)
        elif own is not None and own.implicit and commits:
            self._end(Effect.COMMIT)
        self.touches = None if self.unknown else tuple(dict.fromkeys(self.found))

    def _several(self, effects: Sequence[Effect]) -> None:
        """Several statements in one text: together they are taken to touch everything."""
        if {Effect.TOUCH, Effect.UNKNOWN} & set(effects):
            self.step = self.unknown = True
        if Effect.BEGIN in effects:
            self.transaction = Transaction(Level.UNKNOWN, unknown=True)

    def _one(self, effect: Effect, statement: Statement) -> None:
        own = self.transaction
        sql, accesses = statement
        named = pg_sql.level(sql)
        match effect:
            case Effect.BEGIN:
                if own is None or own.alone:
                    own = Transaction(self.default)
                if own.implicit:
                    own = replace(own, implicit=False, unknown=True)
                self.transaction = replace(own, level=named or own.level)
            case Effect.COMMIT | Effect.ROLLBACK | Effect.UNDO:
                self._end(effect)
            case Effect.READING:
                self._look()
            case Effect.TOUCH | Effect.UNKNOWN:
                self._touch(accesses)
            case _:
                if named is not None and own is not None and not pg_sql.for_session(sql):
                    self.transaction = replace(own, level=named)

    def _end(self, effect: Effect) -> None:
        own = self.transaction
        if own is None or own.alone:
            return
        if effect is Effect.UNDO:
            self.transaction = replace(own, failed=False)
        else:
            self.transaction = None
        if own.failed:
            return
        if own.unknown or (own.touched and own.level is Level.SERIALIZABLE):
            self.step = self.unknown = True
        elif own.locked or own.written:
            self.step = True
            self.found += own.locked
            self.found += own.written if effect is Effect.COMMIT else ()

    def _look(self) -> None:
        """Take the snapshot of a transaction that has only one, if this is its first statement."""
        own = self.transaction
        if own is None or own.alone or own.failed or own.snapshot or own.level is Level.READ_COMMITTED:
            return
        self.step = True
        self.unknown = self.unknown or own.level is Level.UNKNOWN
        self.found.append(Touch(Aspect.SNAPSHOT, False))
        self.transaction = replace(own, snapshot=True)

    def _touch(self, accesses: Sequence[Access]) -> None:
        own = self.transaction or Transaction(self.default, alone=True)
        if own.failed:
            return
        self.step = True
        if not accesses or own.level is Level.UNKNOWN or (own.alone and own.level is Level.SERIALIZABLE):
            self.unknown = True
            self.transaction = replace(own, touched=True, unknown=True, snapshot=True)
            return
        self.transaction = own
        self._look()
        own = self.transaction
        locked, written = list(own.locked), list(own.written)
        old = own.snapshot and own.level is not Level.READ_COMMITTED
        for access in self.catalogue.touched(accesses):
            self.found += _read(access, self.catalogue, old=old, level=own.level)
            now = _locked(access, self.catalogue)
            self.found += now
            locked += now
            self.taken += tuple(touch for touch in now if touch.write)
            written += _written(access, self.catalogue)
        self.transaction = replace(
            own,
            touched=True,
            locked=tuple(dict.fromkeys(locked)),
            written=tuple(dict.fromkeys(written)),
        )


def read(
    catalogue: Catalogue,
    default: Level,
    transaction: Transaction | None,
    executed: Sequence[Statement],
    parsed: Sequence[str],
    commits: bool,
) -> Reading:
    """Read a unit, described as in `Units`."""
    own = Reading(catalogue, default, transaction)
    for statement in executed:
        own.feed(statement)
    for sql in parsed:
        own.parsed(sql)
    own.close(commits=commits)
    return own


def _read(access: Access, catalogue: Catalogue, *, old: bool, level: Level) -> Iterable[Touch]:
    """What it looks at; an `old` snapshot shows what is committed only to those who lock it."""
    changes = access.write or access.locks
    if changes or not old:
        yield Touch(Aspect.VALUE, False, access.table, () if _fresh(access, catalogue) else access.row)
    if level is Level.SERIALIZABLE:
        yield Touch(Aspect.LOCK, changes, access.table)
    if _removes(access, catalogue):
        for child in catalogue.children.get(access.table, ()):
            yield Touch(Aspect.VALUE, False, child)


def _locked(access: Access, catalogue: Catalogue) -> list[Touch]:
    """What it has to itself until the end of its transaction."""
    if not (access.write or access.locks):
        return []
    fresh = _fresh(access, catalogue)
    found = [Touch(Aspect.LOCK, True, access.table, () if fresh else access.row)]
    if access.table in catalogue.children and (fresh or access.locks or _removes(access, catalogue)):
        found.append(Touch(Aspect.KEY, True, access.table))
    if access.write:
        found += (Touch(Aspect.KEY, False, parent) for parent in catalogue.parents.get(access.table, ()))
    if _removes(access, catalogue):
        found += (Touch(Aspect.LOCK, True, child) for child in catalogue.children.get(access.table, ()))
        found += (Touch(Aspect.LOCK, True, other) for other in catalogue.cascades.get(access.table, ()))
    return found


def _written(access: Access, catalogue: Catalogue) -> list[Touch]:
    """What others see of it at the end of its transaction."""
    if not access.write:
        return []
    found = [Touch(Aspect.VALUE, True, access.table, access.row, new=access.adds)]
    if _removes(access, catalogue):
        found += (Touch(Aspect.VALUE, True, other) for other in catalogue.cascades.get(access.table, ()))
    return found


def _fresh(access: Access, catalogue: Catalogue) -> bool:
    """Whether it depends on rows that it does not name: those that must not be there."""
    if access.adds:
        return True
    columns = catalogue.unique.get(access.table, frozenset())
    return bool(access.assigned) and (EVERY in columns or bool(columns & set(access.assigned)))


def _removes(access: Access, catalogue: Catalogue) -> bool:
    """Whether a row that foreign keys point to may go by it, or be pointed to by another name."""
    if not access.write or access.adds:
        return False
    return not access.assigned or _fresh(access, catalogue)
