"""Pairs that begin with a write, or consist of two.

Owns reading back, replacing, and keeping a copy in memory. What protects a pair is `query_facts`'
business.
"""

from deadheat.rules.query_base import Base
from deadheat.rules.query_facts import table_place
from deadheat.rules.query_shapes import Pair, Shape
from deadheat.rules.ranking import words
from deadheat.rust import Event, Kind, Place
from deadheat.rust.db.query import CACHE, DOCUMENT, ROW, Op, Query

_SETS = frozenset({"insert", "=", "push", "store", "+=", "-=", "set", "replace", "entry", "or_insert"})


class Writes(Base):
    """Writes before reads or other writes."""

    def panics(self, write: Event) -> Pair | None:
        """An insert whose duplicate is a panic."""
        query = write.query
        if query is None or query.conflict or query.outcome != "unwrap" or query.store != ROW:
            return None
        table = self.facts.program.schema.table(query.table)
        if table is None:
            return None
        given = frozenset(query.columns)
        together = table.primary if len(table.primary) > 1 else ()
        named = [one for one in (*table.unique.values(), together) if one and set(one) <= given]
        if not named or not any(set(columns) & given for columns in named):
            return None
        return self.pair(Shape.CONFLICT_PANIC, write, write, frozenset(named[0][:1]), proven=False)

    def read_backs(self) -> list[Pair]:
        """An insert, then a question for the last row."""
        found: list[Pair] = []
        for write in self.writes:
            query = write.query
            if query is None or query.op is not Op.INSERT or query.store == CACHE:
                continue
            for read in self.reads:
                one = read.query
                if (
                    one is None
                    or one.aggregate not in ("last", "max")
                    or not self.root.flow.follows(write, read)
                ):
                    continue
                if one.table not in (query.table, ""):
                    continue
                if not one.table and not (one.pooled or query.pooled):
                    continue  # the identity of this very connection
                if not one.table and self._inserts_between(write, read):
                    continue  # it asks for that one's identity
                together = any(g in write.guards and g >= 0 for g in read.guards)
                if self.facts.protected(self.root, write, read) or (not one.table and together):
                    continue
                if one.table and self.agrees(one, query) and self.facts.unique(query, one.fixed()):
                    continue
                found.append(Pair(Shape.LAST_ROW, self.root, table_place(query), write, read))
                break
        return found

    def _inserts_between(self, write: Event, read: Event) -> bool:
        return any(
            other.query is not None and other.query.op is Op.INSERT and write.id < other.id < read.id
            and self.root.flow.follows(other, read)
            for other in self.writes
        )  # fmt: skip

    def replacements(self) -> list[Pair]:
        """Rows deleted, then inserted anew."""
        found: list[Pair] = []
        for first in self.writes:
            query = first.query
            if (
                query is None
                or query.op is not Op.DELETE
                or query.store == CACHE
                or query.opaque
                or not query.where
            ):
                continue
            if any(condition.operator != "=" for condition in query.where):
                continue
            for second in self.writes:
                other = second.query
                if (
                    other is None
                    or other.op is not Op.INSERT
                    or other.table != query.table
                    or second.id < first.id
                ):
                    continue
                if not self.root.flow.follows(first, second) or self._together(first, second):
                    continue
                if other.columns and not query.fixed() & frozenset(other.columns):
                    continue
                if other.values and self.agrees(query, other) is not True:
                    continue
                readers = tuple(dict.fromkeys(self.facts.readers.get(query.table, ())))
                if not readers and self._are_many(first, second, query, other):
                    readers = (self.root,)  # nobody looks here, but two of these leave both sets of rows
                if readers:
                    found.append(self.pair(Shape.DELETE_INSERT, first, second, others=readers,
                                            benign=not (other.values or other.many)))  # fmt: skip
                break
        return found

    def _are_many(self, first: Event, second: Event, query: Query, other: Query) -> bool:
        """Whether there may be several rows of what was deleted: no key forbids it, or several come."""
        one = self.facts.unique(other, query.fixed())
        listed = other.many or bool(self.root.flow.between(first, second, Kind.LOOP))
        return one is False or (one is None and listed)

    def _together(self, first: Event, second: Event) -> bool:
        """One transaction (readers see both or neither), or an exclusive lock over both."""
        begun = any(
            g >= 0 and self.root.events[g].kind is Kind.BEGIN for g in first.guards if g in second.guards
        )
        return begun or self.facts.protected(self.root, first, second)

    def dual_writes(self) -> list[Pair]:
        """A row and its copy in memory."""
        found: list[Pair] = []
        if self.root.task:
            return found
        memory = [
            event for event in self.root.events
            if event.kind in (Kind.WRITE, Kind.RMW) and event.query is None and self.root.flow.is_live(event)
            and event.place is not None and event.place.root[0] in "SG" and event.place.is_content
            and event.method in _SETS
        ]  # fmt: skip
        seen: set[tuple[Place, str]] = set()
        for event in memory:
            place = event.place
            if place is None:
                continue
            for write in self.writes:
                query = write.query
                if query is None or query.store not in (ROW, DOCUMENT) or (place.state, query.table) in seen:
                    continue
                if not self._mirrors(place, query) or self._locked_together(event, write):
                    continue
                flow = self.root.flow
                if not (flow.follows(event, write) or flow.follows(write, event)):
                    continue
                seen.add((place.state, query.table))
                first, second = sorted((event, write), key=lambda one: one.id)
                found.append(Pair(Shape.DUAL_WRITE, self.root, place.state, first, second, proven=False,
                                  detail=query.table))  # fmt: skip
        return found

    def _mirrors(self, place: Place, query: Query) -> bool:
        """Whether the memory state is a copy of the table: the same name and the same key."""
        keys = {step[1:-1] for step in place.part if step.startswith("[")} - {"*"}
        used = {condition.key for condition in query.where} | set(query.values)
        shared = {
            key
            for key in keys
            if key in used or any(one is not None and one.endswith(f".{key}") for one in used)
        }
        names = words(" ".join(step for step in place.state.path[-1:])) | words(
            place.state.root.rsplit("::", 1)[-1]
        )
        alike = any(_singular(one) == _singular(other) for one in names for other in words(query.table))
        return bool(shared) or (alike and not keys)

    def _locked_together(self, memory: Event, write: Event) -> bool:
        """Whether the lock that guards the copy is held while the row is written."""
        must = self.root.flow.must[write.id]
        return any(guard >= 0 and must >> guard & 1 for guard in memory.guards) or self.facts.protected(
            self.root, memory, write
        )


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
