"""Statements as the search sees them: points with a number, operations that conflict or do not.

Owns the mapping from what `wire.pg_steps` says of a statement to `Op` and `Point`. It must not know
how statements are held. Numbers are given in order of meeting and never change while it lives.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from deadheat.model import AccessKind, Point, Span
from deadheat.schedule import Op
from deadheat.wire.pg_sql import Access, Effect, Value
from deadheat.wire.pg_steps import Unit

NOWHERE = Span("", 1, 1, 1, 1)
UNKNOWN = Op(0)
_ROWS = 1_000_000
TRANSACTION = "transaction"
SOMETHING = "the database"


@dataclass
class Keys:
    """The registry of one exploration; `distrusted` says that tables are touched unnamed."""

    distrusted: bool = False
    points: dict[int, Point] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _tables: dict[str, int] = field(default_factory=dict)
    _columns: dict[int, tuple[str, str]] = field(default_factory=dict)
    _rows: dict[tuple[int, Value], int] = field(default_factory=dict)

    def op(self, accesses: Sequence[Access]) -> Op:
        """Give what a statement does as far as dependency is concerned."""
        if self.distrusted or not accesses:
            return UNKNOWN
        if len(accesses) > 1:
            return Op(0, any(access.write for access in accesses))
        (access,) = accesses
        table = self._tables.setdefault(access.table, len(self._tables) + 1)
        return Op(table, access.write, self._row(table, access))

    def _row(self, table: int, access: Access) -> int:
        """Number a row: by one column and type only, since rows told by two columns may be the same."""
        if access.column is None or access.value is None:
            return 0
        key = (access.column, access.value[0])
        if self._columns.setdefault(table, key) != key:
            return 0
        row = (table, access.value)
        return self._rows.setdefault(row, table * _ROWS + len(self._rows) + 1)

    def point(self, unit: Unit) -> int:
        """Give the number of the place in the application that sends this statement."""
        named = [access for one in unit.executed for access in one.accesses]
        tables = ", ".join(sorted({access.table for access in named}))
        if Effect.FINISH in unit.effects:
            return self._number(unit.statement, TRANSACTION, AccessKind.COMMIT)
        write = not named or any(access.write for access in named)
        effect = AccessKind.WRITE if write else AccessKind.READ
        return self._number(unit.statement, tables or SOMETHING, effect)

    def resume(self) -> int:
        """Give the number of the place where a statement that waited for a lock goes on."""
        return self._number("a statement goes on that waited for a lock", TRANSACTION, AccessKind.ACQUIRE)

    def _number(self, statement: str, state: str, effect: AccessKind) -> int:
        identity = f"sql:{hashlib.sha256(statement.encode()).hexdigest()[:8]}"
        number = self._numbers.setdefault(identity, len(self._numbers) + 1)
        self.points.setdefault(number, Point(number, identity, NOWHERE, state, effect, statement))
        return number
