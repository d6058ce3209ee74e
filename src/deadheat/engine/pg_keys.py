"""Statements as the search sees them: points with a number, operations that conflict or do not.

Owns the mapping from what `wire.pg_steps` says of a statement to `Op` and `Point`. It must not know
how statements are held. Numbers are given in order of meeting and never change while it lives.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from deadheat.model import AccessKind, Point, Span
from deadheat.schedule import NOTHING, Op
from deadheat.wire.pg_sql import Effect, Value
from deadheat.wire.pg_steps import Unit
from deadheat.wire.pg_transaction import Aspect, Touch

NOWHERE = Span("", 1, 1, 1, 1)
UNKNOWN = Op(0)
_ENDS = frozenset({Effect.COMMIT, Effect.ROLLBACK, Effect.UNDO})
TRANSACTION = "transaction"
SOMETHING = "the database"
_MOST = 4096  # operations known by heart


@dataclass
class Keys:
    """The registry of one exploration; `distrusted` says that tables are touched unnamed."""

    distrusted: bool = False
    points: dict[int, Point] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _resources: dict[tuple[Aspect, str], int] = field(default_factory=dict)
    _columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    _places: dict[tuple[int, Value], int] = field(default_factory=dict)
    _sent_from: dict[str, int] = field(default_factory=dict)
    _ops: dict[tuple[tuple[Touch, ...], int], Op] = field(default_factory=dict)

    def op(self, touches: Sequence[Touch] | None, session: int = 0) -> Op:
        """Give what a step of one session does as far as dependency is concerned.

        Whoever takes a snapshot depends on whoever changes what is committed, and neither among
        themselves: so the one *writes* a place of its own, and the other *reads* all of them.
        """
        if self.distrusted or touches is None:
            return UNKNOWN
        key = tuple(touches), session
        known = self._ops.get(key)
        if known is None:
            columns = len(self._columns)
            known = self._op(*key)
            if len(self._columns) > columns or len(self._ops) >= _MOST:
                self._ops.clear()  # what tells rows of a table apart was learned only now
            self._ops[key] = known
        return known

    def _op(self, touches: tuple[Touch, ...], session: int) -> Op:
        found = dict.fromkeys(self._single(touch, session) for touch in touches)
        if any(touch.aspect is Aspect.VALUE and touch.write for touch in touches):
            found[Op(self._resource(Aspect.SNAPSHOT, ""), False)] = None
        kept = [op for op in found if op.write or op._replace(write=True) not in found]
        if not kept:
            return NOTHING
        return kept[0]._replace(more=tuple(kept[1:]))

    def _single(self, touch: Touch, session: int) -> Op:
        resource = self._resource(touch.aspect, touch.table)
        if touch.aspect is Aspect.SNAPSHOT:
            return Op(resource, True, self._place(resource, ("session", str(session))))
        return Op(resource, touch.write, self._row(resource, touch))

    def _resource(self, aspect: Aspect, table: str) -> int:
        return self._resources.setdefault((aspect, table), len(self._resources) + 1)

    def _place(self, resource: int, value: Value) -> int:
        return self._places.setdefault((resource, value), len(self._places) + 1)

    def _row(self, resource: int, touch: Touch) -> int:
        """Number a row: by one column and type only, since rows told by two columns may be the same."""
        row = {(column, value[0]): value for column, value in touch.row}
        if row and not touch.new:
            self._columns.setdefault(touch.table, next(iter(row)))
        value = row.get(self._columns.get(touch.table, ("", "")))
        return self._place(resource, value) if value is not None else 0

    def point(self, unit: Unit) -> int:
        """Give the number of the place in the application that sends this statement."""
        statement = unit.statement
        known = self._sent_from.get(statement)
        if known is None:
            known = self._sent_from[statement] = self._new_point(unit, statement)
        return known

    def _new_point(self, unit: Unit, statement: str) -> int:
        named = [access for one in unit.executed for access in one.accesses]
        tables = ", ".join(sorted({access.table for access in named}))
        if not named and _ENDS & unit.effects:
            return self._number(statement, TRANSACTION, AccessKind.COMMIT)
        write = not named or any(access.write for access in named)
        effect = AccessKind.WRITE if write else AccessKind.READ
        return self._number(statement, tables or SOMETHING, effect)

    def resume(self) -> int:
        """Give the number of the place where a statement that waited for a lock goes on."""
        return self._number("a statement goes on that waited for a lock", TRANSACTION, AccessKind.ACQUIRE)

    def _number(self, statement: str, state: str, effect: AccessKind) -> int:
        identity = f"sql:{hashlib.sha256(statement.encode()).hexdigest()[:8]}"
        number = self._numbers.setdefault(identity, len(self._numbers) + 1)
        self.points.setdefault(number, Point(number, identity, NOWHERE, state, effect, statement))
        return number
