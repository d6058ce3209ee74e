"""What every search for pairs in one root needs.

Owns the making of a pair from two statements. It must not know which pairs there are.
"""

from deadheat.rules.query_facts import Facts, table_place
from deadheat.rules.query_shapes import Pair, Shape
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.db.query import Query


class Base:
    """One root's statements being paired."""

    def __init__(self, facts: Facts, root: Root, reads: list[Event], writes: list[Event]) -> None:
        """The root, and its statements in program order."""
        self.facts = facts
        self.root = root
        self.reads = reads
        self.writes = writes

    def pair(
        self, shape: Shape, read: Event, write: Event, columns: frozenset[str] = frozenset(), *,
        proven: bool = True, benign: bool = False, others: tuple[Root, ...] = (), detail: str = "",
    ) -> Pair:  # fmt: skip
        """Two statements, about a table or one column of it."""
        query = write.query or read.query
        place = table_place(query, columns) if query is not None else Place("D:")
        begun = any(
            g >= 0 and self.root.events[g].kind is Kind.BEGIN for g in read.guards if g in write.guards
        )
        return Pair(shape, self.root, place, read, write, proven, benign, begun, others, detail)

    def agrees(self, one: Query, other: Query) -> bool | None:
        """Whether the row that is inserted is the row that was looked for."""
        values = dict(zip(other.columns, other.values, strict=False))
        told: bool | None = None
        for condition in one.where:
            if condition.operator != "=" or condition.key is None:
                continue
            value = values.get(condition.column)
            if value is None:
                continue
            if value == condition.key or value.endswith(condition.key) or condition.key.endswith(value):
                return True
            told = None
        return told
