"""Pairs that end in a write: what it was fed or decided by was read before.

Owns the judgement of one read and one later write. Data flow goes before control flow, and the
nearest read before those further away. What protects a pair is `query_facts`' business.
"""

from deadheat.rules.query_base import Base
from deadheat.rules.query_facts import (
    before,
    changed,
    columns_in,
    dominates,
    edited,
    is_existence,
    looked_at,
    parts,
    rechecked,
    same_row,
    versioned,
)
from deadheat.rules.query_shapes import Pair, Shape
from deadheat.rules.ranking import words
from deadheat.rust import Event, Kind, Root
from deadheat.rust.db.query import CACHE, ROW, Condition, Op, Query
from deadheat.rust.db.sql import HOLE

_SINGLE_USE = frozenset(
    {"token", "tokens", "code", "codes", "invite", "invites", "invitation", "invitations", "coupon",
     "coupons", "nonce", "nonces", "otp", "otps", "ticket", "tickets", "voucher", "vouchers", "challenge",
     "challenges", "reset", "resets", "verification", "verifications", "claim", "claims", "redeem",
     "recovery", "activation", "activations", "magic"}
)  # fmt: skip
_COUNTING = ("len()", "count()", "is_empty()")


class Reads(Base):
    """Reads before writes."""

    def before(self, write: Event) -> list[Pair]:
        """The most specific pair that ends in this write: data before control, the nearest read first.

        A limit that is tested in two places is two windows; anything else has one.
        """
        controlled: list[Pair] = []
        for read in reversed(self.reads):
            if read.id > write.id or not self.root.flow.follows(read, write):
                continue
            one, other = read.query, write.query
            if one is None or other is None or one.store != other.store:
                continue
            elsewhere = one.table != other.table and other.table not in one.joined
            if elsewhere and not (self._refers(one, other) or self._marks(read, one, other)):
                continue
            if self.facts.protected(self.root, read, write):
                continue
            if one.table == other.table:
                fed = self._fed(read, write, one, other)
                if fed is not None:
                    return [fed]
                pair = self._decided(read, write, one, other)
            else:
                pair = self._counted_elsewhere(read, write, one, other)
            if pair is not None and (
                not controlled or pair.shape is controlled[0].shape is Shape.COUNT_INSERT
            ):
                controlled.append(pair)
        return controlled[:3]

    # ------------------------------------------------------------------ data flow

    def _fed(self, read: Event, write: Event, one: Query, other: Query) -> Pair | None:
        flows = parts(read, write.deps)
        if not flows or other.op is Op.DELETE:
            return None
        if other.op is Op.INSERT and not other.conflict:
            if one.aggregate in ("max", "last", "count") and any(not is_existence(part) for part in flows):
                keyed = self.facts.unique(other, frozenset(other.columns) or one.fixed())
                if one.aggregate != "count" or "max" in one.aggregate:
                    return self.pair(Shape.MAX_PLUS_ONE, read, write, frozenset(one.columns[:1]),
                                      proven=keyed is not True or other.outcome == "unwrap")  # fmt: skip
            return None
        if other.conflict in ("nothing", "ignore", "guarded"):
            return None
        row = same_row(read, write)
        if row is False or one.aggregate in ("count", "exists", "sum", "max"):
            return None
        known = columns_in(flows)
        edits = edited(write.deps)
        relative = frozenset(other.relative)
        written = (changed(write) if not other.whole else edits) or frozenset()
        if (
            HOLE in other.columns
        ):  # `format!("UPDATE … SET {} = ?", column)`: one of those it was worked out from
            written = known
        copied = self._copied(other, known, flows, edits)
        computed = (known & written) - relative - copied
        if computed and not versioned(self.root, read, write) and not (
            rechecked(write, computed) and looked_at(self.root, write)
        ):  # fmt: skip
            shape = Shape.LOST_UPDATE if other.store == ROW else Shape.GET_SET
            return self.pair(shape, read, write, computed, proven=row is True,
                              others=self._changers(other, computed))  # fmt: skip
        if other.store == CACHE:
            return self.pair(Shape.GET_SET, read, write) if row is True else None
        whole = other.whole and ("" in flows or not known)
        stale = (frozenset(other.columns) if whole else copied & frozenset(other.columns)) - edits
        if not whole and len(stale) < 1:
            return None
        if versioned(self.root, read, write):
            return None
        others = [
            writer for writer in self.facts.writers.get(other.table, ())
            if writer.event.query is not None and writer.event.query.op is not Op.DELETE
            and self._reverts(writer.columns, stale, edits)
        ]  # fmt: skip
        if not others:
            return None
        shape = Shape.STALE_ROW if other.store == ROW else Shape.GET_SET
        return self.pair(shape, read, write, proven=row is True,
                          others=tuple(dict.fromkeys(writer.root for writer in others)))  # fmt: skip

    def _copied(
        self, query: Query, known: frozenset[str], flows: list[str], edits: frozenset[str]
    ) -> frozenset[str]:
        """The columns that are written back as they were read (`vm.expires` into `expires`)."""
        if not query.values:  # a struct of ours, made from some of the row's fields and other things
            mixed = query.whole and "" not in flows  # the row as a whole is the row, with edits of its own
            return (known & frozenset(flows)) - edits if mixed else frozenset()
        return frozenset(
            column for column, value in zip(query.columns, query.values, strict=False)
            if column in known and value is not None and value.endswith(f".{column}")
        )  # fmt: skip

    def _reverts(self, columns: frozenset[str] | None, stale: frozenset[str], edits: frozenset[str]) -> bool:
        """Whether a stale copy of the row takes back what the other writer is known to change."""
        rest = (columns or frozenset()) - edits
        return bool(rest & stale) if stale else bool(rest)

    def _changers(self, query: Query, columns: frozenset[str]) -> tuple[Root, ...]:
        return tuple(dict.fromkeys(writer.root for writer in self.facts.changers(query.table, columns)))

    # ------------------------------------------------------------------ control flow

    def _decided(self, read: Event, write: Event, one: Query, other: Query) -> Pair | None:
        decides = self._learnt(read, write, one)
        if not decides:
            return None
        if other.store == CACHE:
            return self._cached(read, write, one, other, decides)
        if other.op is Op.INSERT:
            return self._inserted(read, write, one, other, decides)
        if other.conflict:
            return None
        row = same_row(read, write)
        looked = looked_at(self.root, write)
        if one.aggregate in ("sum", "count") or any(part.endswith(_COUNTING) for part in decides):
            if rechecked(write, one.named() & frozenset(other.columns)) and not looked and one.aggregate:
                return self.pair(Shape.IGNORED_COUNT, read, write, one.named() & frozenset(other.columns))
            return None
        known = columns_in([part for part in decides if not is_existence(part)])
        known -= {
            condition.column
            for condition in one.where
            if condition.operator == "=" and condition.key != "null"
        }
        known -= columns_in(parts(read, write.selects)) | self._identity(other.table)
        if row is False:
            return None
        if known:
            changers = self._changers(other, known)
            again = rechecked(write, known)
            if again:
                return (
                    None if looked else self.pair(Shape.IGNORED_COUNT, read, write, known, proven=row is True)
                )
            settles = changed(write)
            moves = bool(settles and settles & known) or (other.op is Op.DELETE and row is True)
            if changers and moves:
                return self.pair(self._check(other), read, write, known, proven=row is True, others=changers)
        stated = {condition.column for condition in one.where if _is_literal(condition)}
        # `WHERE code = ? AND used = false`, then SET used = true
        set_here = (
            frozenset() if other.whole or known else frozenset(other.columns) - self._identity(other.table)
        )
        state = frozenset(stated) & set_here
        if state and other.op is Op.UPDATE:
            if one.table in one.joined or not rechecked(write, state):  # other rows are not asked again
                return self.pair(self._check(other), read, write, state, proven=row is True,
                                  others=self._changers(other, state))  # fmt: skip
            return None if looked else self.pair(Shape.IGNORED_COUNT, read, write, state, proven=row is True)
        consumes = other.op is Op.DELETE and row is True and (
            self._single_use(other, write) or self._moves(read, other)
        )  # fmt: skip
        if consumes and not looked and dominates(self.root, read, write):
            return self.pair(Shape.IGNORED_COUNT, read, write)
        return None

    def _moves(self, read: Event, gone: Query) -> bool:
        """Whether what was in the row that goes is put down elsewhere (a pending payment is booked)."""
        return any(
            event.query is not None and event.query.table != gone.table and not event.query.conflict
            and (event.query.op is Op.INSERT or event.query.relative)
            and any(not is_existence(part) for part in parts(read, event.deps))
            for event in self.writes
        )  # fmt: skip

    def _marks(self, read: Event, one: Query, other: Query) -> bool:
        """Whether the root also notes, in the table that is asked, that the deed is done."""
        asked = one.fixed()
        if other.op is not Op.UPDATE or not other.relative or not asked or one.store != ROW:
            return False
        return any(
            event.query is not None and event.query.op is Op.INSERT and event.query.table == one.table
            and asked <= set(event.query.columns) and not event.query.conflict
            and not parts(read, event.control) and self.facts.unique(event.query, asked) is not True
            for event in self.writes
        )  # fmt: skip

    def _refers(self, one: Query, other: Query) -> bool:
        """Whether the root also takes away one of the rows that are read: a reference count."""
        counted = {condition.column for condition in one.where if condition.operator == "=" and condition.key}
        return other.op is Op.DELETE and any(
            event.query is not None and event.query.op is Op.DELETE
            and event.query.table in (one.table, *one.joined) and counted < event.query.fixed()
            for event in self.writes
        )  # fmt: skip

    def _counted_elsewhere(self, read: Event, write: Event, one: Query, other: Query) -> Pair | None:
        """A total over several tables limits an insert; the last reference gone decides a delete."""
        decides = parts(read, write.control)
        counted = one.aggregate in ("count", "sum") or any(part.endswith(_COUNTING) for part in decides)
        if decides and self._marks(read, one, other):
            return self.pair(Shape.CHECK_ACT, read, write, detail="marks")
        if not decides or not counted:
            return None
        if other.op is Op.INSERT:
            return self.pair(Shape.COUNT_INSERT, read, write)
        if other.op is Op.DELETE and self._refers(one, other):
            return self.pair(Shape.CHECK_ACT, read, write, detail="references")
        return None

    def _learnt(self, read: Event, write: Event, one: Query) -> list[str]:
        """What decided the write; of a single column, whether it was found is not what it holds."""
        decides = parts(read, write.control)
        if one.aggregate != "scalar" and (one.aggregate or len(one.columns) != 1):
            halves = [part.partition(".") for part in decides if not is_existence(part)]
            fields = {column for column, _, rest in halves if is_existence(rest)}
            if len(one.columns) < 2 or len(halves) < len(one.columns) or fields != set(one.columns):
                return decides
            if any(not is_existence(rest) for _, _, rest in halves):
                return decides
            return ["?"]  # a row that is made field by field: what is asked of each is asked of the row
        column = one.columns[0] if one.columns else ""
        named = column in self._identity(one.table)
        return ["?" if part == f"{column}.?" or (named and part == column) else part for part in decides]

    def _identity(self, table: str) -> frozenset[str]:
        """The columns that name a row and never change."""
        known = self.facts.program.schema.table(table)
        return frozenset(known.primary if known is not None else ()) | {"id", "uuid"}

    def _check(self, query: Query) -> Shape:
        return Shape.CHECK_ACT if query.store == ROW else Shape.GET_SET

    def _single_use(self, query: Query, write: Event) -> bool:
        """Whether the deleted row is something that may be used once, and more happens than its deletion."""
        named = words(query.table) | words(write.function.rsplit("::", 1)[-1])
        more = any(event is not write and event.query is not None and event.query.table != query.table
                   for event in self.writes)  # fmt: skip
        return bool(named & _SINGLE_USE) and (more or bool(words(query.table) & _SINGLE_USE))

    def _inserted(
        self, read: Event, write: Event, one: Query, other: Query, decides: list[str]
    ) -> Pair | None:
        counted = one.aggregate in ("count", "sum") or any(part.endswith(_COUNTING) for part in decides)
        counted = counted or not (one.where or one.opaque or one.aggregate)  # is there anything at all?
        if one.many and parts(read, write.deps) and any(part.strip("?.") for part in decides):
            counted = True  # what is left is worked out from the rows that are there
        fixed = one.fixed()
        unique = self.facts.unique(other, fixed) if fixed else None if one.where else False
        if one.opaque and fixed and unique is False and self._may_be_unique(other.table, fixed):
            return None  # the conditions that are not seen may name the rest of the key
        overlap = not other.columns or bool(fixed & frozenset(other.columns)) or not fixed
        if counted and unique is not True and other.conflict not in ("update", "replace"):
            return self.pair(Shape.COUNT_INSERT, read, write, proven=overlap)
        if not overlap or (one.opaque and not fixed) or other.conflict:
            return None
        if (
            any(part and not is_existence(part) and self._tells(one, part, decides) for part in decides)
            and not counted
            and one.aggregate != "exists"
        ):
            return None  # decided by what is in another row, not by whether there is one
        agree = self.agrees(one, other)
        if agree is False or (one.aggregate in ("max", "min") and "?" not in decides):
            return None  # how large it is decided, not whether there is one
        if unique is True:
            if other.outcome != "unwrap":
                return None
            return self.pair(Shape.FIND_INSERT, read, write, fixed, detail="panic")
        shape = Shape.FIND_INSERT if other.store == ROW else Shape.GET_SET
        return self.pair(shape, read, write, proven=unique is False or agree is True)

    def _tells(self, one: Query, part: str, decides: list[str]) -> bool:
        """Whether it is what is in a row: not what a function made of the row that was found, if it was."""
        return "?" not in decides or one.many or bool(columns_in([part]))

    def _may_be_unique(self, table: str, columns: frozenset[str]) -> bool:
        known = self.facts.program.schema.table(table)
        return known is not None and any(columns <= set(key) for key in known.unique.values())

    def _cached(self, read: Event, write: Event, one: Query, other: Query, decides: list[str]) -> Pair | None:
        if other.relative or other.conflict or same_row(read, write) is not True:
            return None
        if other.op is Op.DELETE and (not self._single_use(other, write) or looked_at(self.root, write)):
            return None
        only = all(is_existence(part) for part in decides) and one.aggregate != "exists"
        fills = only and not self._sent(other) and self._fills(read, write)
        return self.pair(Shape.GET_SET, read, write, benign=fills)

    def _sent(self, query: Query) -> bool:
        """Whether what is put in is what the request brought: a claim, nothing worked out again."""
        handler = self.root.handler
        brought = {parameter.name for parameter in handler.parameters} if handler is not None else set()
        return any(value is not None and value.partition(".")[0] in brought for value in query.values)

    def _fills(self, read: Event, write: Event) -> bool:
        """A cache is filled: what was found is for the answer, and whoever found something writes nothing."""
        uses = [
            event for event in self.root.events
            if event.kind is not Kind.BRANCH
            and any(n == read.id and not is_existence(part) for n, part in event.deps | event.selects)
        ]  # fmt: skip
        found = before(self.root, write, read)
        return bool(uses) and not any(use.id in found for use in uses)


def _is_literal(condition: Condition) -> bool:
    """Whether the condition is about what the row says, not about which row it is."""
    key = condition.key
    if key is None or condition.operator not in ("=", "<>", "is"):
        return condition.operator not in ("=", "in")
    return key in ("true", "false", "null") or key[:1] in "'\"" or key.lstrip("-").isdigit() or "::" in key
