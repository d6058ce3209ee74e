"""What one statement does, whichever library says it.

Owns the vocabulary of statements: operation, table, columns, conditions. It must not know syntax
or libraries. Conditions are symbolic equalities (`id = §0`), where `§n` stands for the n-th parameter of
the enclosing function until a call site fills it in.
"""

import re
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

ROW, DOCUMENT, CACHE = "row", "document", "cache"
# The "table" of statements that lock what the program means by it, for a transaction or a session.
KEEPS, KEEPS_ON = "lock of the transaction", "advisory lock"


class Op(StrEnum):
    """What a statement (or the piece of a builder so far) is."""

    TABLE = "table"  # a builder that only knows its table
    COLUMN = "column"
    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    BEGIN = "begin"
    OTHER = "other"


class Condition(Struct, frozen=True, array_like=True):
    """`column operator key`; `key` names the value, None when it cannot be named."""

    column: str
    operator: str = "="
    key: str | None = None


class Query(Struct, frozen=True, array_like=True):
    """One statement, or a builder on its way to one.

    `columns` are what a write assigns or a read selects, empty for all; `relative` those that
    the database computes from themselves (`n = n + 1`); `aggregate` is count, exists, max, sum
    or last; `conflict` says how a duplicate is met (nothing, update, ignore, replace);
    `opaque` that conditions exist which are not in `where`; `outcome` what happens first to the
    result (unwrap); `joined` names
    the other tables of a read, `others` says that more is touched than the table and those; `many`
    that rows are loaded (or put in) as a list; `pooled` that each statement may run on another connection.
    """

    op: Op
    table: str
    store: str = ROW
    columns: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    relative: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()
    conflict: str = ""
    aggregate: str = ""
    order: str = ""
    returning: bool = False
    locked: bool = False
    opaque: bool = False
    limited: bool = False
    pooled: bool = False
    whole: bool = False
    outcome: str = ""
    isolation: str = ""
    joined: tuple[str, ...] = ()
    many: bool = False
    others: bool = False

    @property
    def key(self) -> str | None:
        """The value that picks the row, when one does."""
        for one in self.where:
            if one.operator == "=" and one.key is not None:
                return one.key
        return None

    def fixed(self) -> frozenset[str]:
        """The columns that the conditions hold to one value."""
        return frozenset(one.column for one in self.where if one.operator == "=")

    def named(self) -> frozenset[str]:
        """The columns that the conditions mention."""
        return frozenset(one.column for one in self.where)

    @property
    def is_collection(self) -> bool:
        """Whether it only says which collection of documents is meant, and may be handed on."""
        return self.op is Op.TABLE and self.store == DOCUMENT and bool(self.table) and not self.where

    def renamed(self, keys: dict[str, str]) -> "Query":
        """The query as a caller sees it: parameters' names replaced."""
        if not keys or not (
            self.table in keys
            or any(one.key in keys or one.column in keys for one in self.where)
            or any(value in keys for value in self.values)
        ):
            return self
        table = keys.get(self.table, self.table).strip('"')
        if self.store == CACHE and self.table in keys:
            table = shape_of(table)
        where = tuple(
            Condition(
                keys.get(one.column, one.column).strip('"'),
                one.operator,
                keys.get(one.key, one.key) if one.key is not None else None,
            )
            for one in self.where
        )
        values = tuple(keys.get(value, value) if value is not None else None for value in self.values)
        return replace(self, table=table, where=where, values=values)


def shape_of(key: str) -> str:
    """What keys like this one have in common: who makes them (`key_of(id)`), or what they are called."""
    made = re.match(r"([\w:]+)\(.*\)$", key, re.DOTALL)
    return made[1] if made is not None else key
