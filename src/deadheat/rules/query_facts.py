"""What is true of two statements of one request.

Owns the questions that every database rule asks: the same row? can another request get in between?
is the number of changed rows looked at? who else changes this column? It must not know shapes.

What protects a pair: an exclusive lock of the process over both; one transaction over both, if it is
serializable (or takes the write lock at once), or the database is SQLite, or a row was locked
(`FOR UPDATE`, an earlier UPDATE) before the read. READ COMMITTED alone protects nothing (Berenson et
al., "A Critique of ANSI SQL Isolation Levels", 1995).
"""

import re
import tomllib
from typing import cast

from msgspec import Struct

from deadheat.rust import Event, Kind, Mode, Place, Program, Root
from deadheat.rust.db.query import CACHE, KEEPS_ON, ROW, Op, Query
from deadheat.rust.ir import Deps
from deadheat.rust.types import is_store

_DATABASES = (
    "diesel", "diesel-async", "sqlx", "sea-orm", "rusqlite", "tokio-rusqlite", "tokio-postgres", "postgres",
    "mysql", "mysql_async", "rocket_sync_db_pools", "rocket_db_pools", "rocket_contrib",
)  # fmt: skip
_STAMPS = frozenset({"updated_at", "modified_at", "last_modified", "updated", "modified", "revision_date"})
_VERSIONS = frozenset({"version", "lock_version", "revision", "rev", "etag", "generation", "row_version"})
_NAME = re.compile(r"^[a-z_][a-z0-9_]*$", re.IGNORECASE)


class Writer(Struct, frozen=True):
    """A statement that changes existing rows, or makes them."""

    root: Root
    event: Event
    columns: frozenset[str] | None  # None: any


class Facts:
    """The statements of a program."""

    def __init__(self, program: Program) -> None:
        """Collect who writes which columns of which table."""
        self.program = program
        self.only_sqlite = _only_sqlite(program)
        self.writers: dict[str, list[Writer]] = {}
        self.readers: dict[str, list[Root]] = {}
        for root in program.roots:
            for event in statements(root):
                query = event.query
                if query is None:
                    continue
                if query.op is Op.SELECT:
                    self.readers.setdefault(query.table, []).append(root)
                elif query.op is not Op.INSERT or query.conflict in ("update", "replace"):
                    self.writers.setdefault(query.table, []).append(Writer(root, event, changed(event)))

    def changers(self, table: str, columns: frozenset[str]) -> list[Writer]:
        """Who changes one of these columns of an existing row (or deletes it)."""
        found: list[Writer] = []
        for writer in self.writers.get(table, ()):
            query = writer.event.query
            if query is None or query.op is Op.DELETE:
                continue
            if writer.columns is not None and writer.columns & columns:
                found.append(writer)
        return found

    # ------------------------------------------------------------------ protection

    def protected(self, root: Root, first: Event, second: Event) -> bool:
        """Whether no other request can get in between (or would be told so)."""
        flow = root.flow
        both = flow.must[first.id] & flow.must[second.id]
        held = flow.held(first, surely=True)
        if any(
            guard.mode is not Mode.SHARED and not is_store(guard.type)
            for guard in held
            if both >> guard.id & 1
        ):
            return True
        if any(
            event.query is not None and event.query.table == KEEPS_ON and flow.follows(event, first)
            for event in statements(root)
        ):
            return True
        together = [root.events[g] for g in first.guards if g in second.guards and g >= 0]
        begun = [event for event in together if event.kind is Kind.BEGIN]
        if not begun:
            return False
        if self.only_sqlite or any(event.operation for event in begun):
            return True
        query = first.query
        if query is not None and query.locked and query.aggregate in ("", "scalar"):
            return True
        return any(
            self._locks(event, begun[0].id, query) for event in statements(root) if event.id < first.id
        )

    def _locks(self, event: Event, transaction: int, read: Query | None) -> bool:
        """Whether the statement keeps other transactions from the rows it touched, and so from the read's."""
        query = event.query
        if query is None or transaction not in event.guards:
            return False
        if query.locked or read is None or query.table == read.table:
            return query.locked or query.op in (Op.UPDATE, Op.DELETE) or query.conflict == "update"
        if query.op not in (Op.UPDATE, Op.DELETE) and query.conflict != "update":
            return False
        asked = {one.key for one in read.where if one.operator == "="}
        named = {one.key for one in query.where if one.operator == "="}
        return not read.where or bool(asked & named)  # the row of another table that stands for these

    def unique(self, query: Query, columns: frozenset[str]) -> bool | None:
        """Whether rows that agree in these columns are one row; None when no schema tells."""
        if query.store == CACHE:
            return True
        known = self.program.schema.unique(query.table, columns)
        if known is None and query.store == ROW and "id" in columns:
            return True  # nobody describes the table, but everybody calls its key so
        return known


def statements(root: Root) -> list[Event]:
    """The database accesses of a root that can be reached, in program order."""
    known = root.__dict__.get("_statements")
    if known is None:
        known = [
            e for e in root.events if e.query is not None and e.place is not None and root.flow.is_live(e)
        ]
        root.__dict__["_statements"] = known
    return cast("list[Event]", known)


def changed(event: Event) -> frozenset[str] | None:
    """The columns that a write really changes; None when they cannot be told."""
    query = event.query
    if query is None:
        return frozenset()
    edits = edited(event.deps)
    if query.whole and edits:
        return edits  # the rest of the row is written as it was loaded
    if query.whole or not query.columns:
        return None
    return frozenset(query.columns)


def edited(deps: Deps) -> frozenset[str]:
    """The fields that were assigned since the row was loaded (`=used`), whatever was made of it then."""
    steps = (step for _, part in deps if "=" in part for step in part.split("."))
    return frozenset(step[1:].split("(")[0] for step in steps if step.startswith("="))


def parts(read: Event, deps: Deps) -> list[str]:
    """What `deps` know of a read."""
    return [part for number, part in deps if number == read.id and "=" not in part]


_STEPS = frozenset(
    {"?", "advance()", "try_next()", "next()", "transpose()", "optional()", "flatten()"}
)  # of a cursor: is there another row?


def is_existence(part: str) -> bool:
    """Whether only the presence of a row is known, not what is in it."""
    if part and all(step in _STEPS for step in part.split(".")):
        return True
    return part.startswith("?") and not _columns_in(part[1:])


def _columns_in(part: str) -> list[str]:
    return [step for step in part.split(".") if step and not step.endswith("()") and _NAME.match(step)]


def columns_in(facts: list[str]) -> frozenset[str]:
    """The columns that known parts name; empty when a whole row is known."""
    return frozenset(column for part in facts for column in _columns_in(part)[:1])


def _names_it(part: str) -> bool:
    """Whether a value of a key-value store says here under which key it is kept."""
    steps = [step for step in part.split(".") if step not in _DECODING]
    named = steps[:-1] if steps[-1:] and steps[-1].endswith("()") else steps  # `key_of(session.id)`
    return bool(named) and named[-1] in ("id", "uuid") and not any("()" in step for step in named)


_DECODING = frozenset({"?", "from_str()", "from_slice()", "deserialize()"})


def same_row(read: Event, write: Event) -> bool | None:
    """Whether both statements mean one row; None when it cannot be told."""
    one, other = read.query, write.query
    if one is None or other is None or one.table != other.table:
        return False
    chosen = [part for number, part in write.selects if number == read.id]
    if chosen and (one.store != CACHE or any(_names_it(part) for part in chosen)):
        return True
    left = {(c.column, c.key) for c in one.where if c.operator == "=" and c.key is not None}
    right = {(c.column, c.key) for c in other.where if c.operator == "=" and c.key is not None}
    alike = left & right
    if alike and (one.store != CACHE or any(_is_one_name(key, read, write) for _, key in alike)):
        return True
    if alike:
        return None
    if not one.where and not other.where and not one.opaque and not other.opaque:
        return True
    if other.whole and any(number == read.id for number, _ in write.deps):
        return True
    columns = {column for column, _ in left} & {column for column, _ in right}
    return False if columns else None


def _is_one_name(key: str | None, read: Event, write: Event) -> bool:
    """Whether a key is named where both are done: two calls of one helper name two keys alike."""
    for first, second in zip(read.via, write.via, strict=False):
        if first != second:
            name = re.sub(r"^\w+\(&?|\)$", "", key or "")  # `key_of(token)`: the caller says `token`
            word = re.compile(rb"\b" + re.escape(re.split(r"\W", name)[0].encode()) + rb"\b")
            calls = (one.file.text[one.start : one.end] for one in (first, second))
            return all(word.search(call) is not None for call in calls)
    return True


def dominates(root: Root, first: Event, second: Event) -> bool:
    """Whether every way to `second` leads through `first`."""
    pending, seen = [second.id], {second.id}
    while pending:
        for pred in root.events[pending.pop()].preds:
            if pred == 0:
                return False
            if pred != first.id and pred not in seen:
                seen.add(pred)
                pending.append(pred)
    return True


def before(root: Root, event: Event, first: Event) -> set[int]:
    """The events on the ways that lead from `first` to `event` without coming by `first` again."""
    pending, seen = [event.id], {event.id}
    while pending:
        for pred in root.events[pending.pop()].preds:
            if pred != first.id and pred not in seen:
                seen.add(pred)
                pending.append(pred)
    return seen


def looked_at(root: Root, write: Event) -> bool:
    """Whether somebody asks how many rows a write changed (`?` alone does not)."""
    query = write.query
    returning = query is not None and query.returning
    for event in root.events:
        if event.kind not in (Kind.BRANCH, Kind.RETURN):
            continue
        for number, part in (*event.deps, *(event.control if event.kind is Kind.RETURN else ())):
            # `rows_affected()?` asks whether the statement failed, not how many rows it changed.
            if number == write.id and (returning or not (is_existence(part) or part.endswith("?"))):
                return True
    return False


def versioned(root: Root, read: Event, write: Event) -> bool:
    """Optimistic locking: the WHERE names a version that was read, and the count is looked at."""
    query = write.query
    if query is None:
        return False
    chosen = columns_in(parts(read, write.selects))
    named = {one.column for one in query.where if one.column in chosen}
    keys = named & (_VERSIONS | _STAMPS | set(query.columns))
    return bool(keys) and looked_at(root, write)


def rechecked(write: Event, columns: frozenset[str]) -> bool:
    """Whether the write's own WHERE asks again about what was checked."""
    query = write.query
    return query is not None and bool(query.named() & columns)


def _only_sqlite(program: Program) -> bool:
    """Whether every database library of the project is built for SQLite alone."""
    found: set[str] = set()
    for content in program.tree.manifests.values():
        try:
            manifest = tomllib.loads(content.decode())
        except ValueError:
            continue
        tables = [
            manifest.get("dependencies"),
            cast("dict[str, object]", manifest.get("workspace") or {}).get("dependencies"),
        ]
        for table in tables:
            for name, value in table.items() if isinstance(table, dict) else ():
                if name not in _DATABASES:
                    continue
                text = f"{name} {value}".lower()
                found |= {word for word in ("sqlite", "postgres", "mysql", "mongo") if word in text}
                found |= {"feature"} if isinstance(value, dict) and "optional" in value else set()
    return found == {"sqlite"}


def table_place(query: Query, columns: frozenset[str] = frozenset()) -> Place:
    """The state that a finding is about: `coupons`, or `coupons.used` for one column."""
    if len(columns) == 1:
        return Place(f"D:{query.table}", tuple(columns))
    return Place(f"D:{query.table}")
