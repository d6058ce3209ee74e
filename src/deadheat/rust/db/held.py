"""Where a request can be held at a database: before each statement, and before a transaction ends.

Owns what a statement's step does, for the search: the table it reads or writes, and whether it may
touch more than that. A wrong independence would make a reduced search unsound, so whatever is not
plain (a join, an unknown function, a statement inside a transaction, whose first one may fix what all
see) counts as touching anything (Berenson et al., "A Critique of ANSI SQL Isolation Levels", SIGMOD
1995: snapshots). A transaction's begin is no step; its end is one.
"""

from collections.abc import Iterable

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust.db.query import CACHE, ROW, Op, Query
from deadheat.rust.ir import Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.sites import merge_last, note_site
from deadheat.rust.types import peel

_RUNS = frozenset({Op.SELECT, Op.INSERT, Op.UPDATE, Op.DELETE})
_EXCLUSIVE = frozenset({"immediate", "exclusive"})


def note_statement(
    low: Lowering, node: Node, query: Query, operation: str, executors: Iterable[Value] = ()
) -> None:
    """A statement is sent here."""
    inside, perhaps = _transaction(low, executors)
    reads = query.op is Op.SELECT and not query.locked and not query.others
    writes = query.op in _RUNS and (query.op is not Op.SELECT or query.locked) and query.store == ROW
    known = query.op in _RUNS and bool(query.table) and not query.table.startswith("§")
    wide = not known or query.others or bool(query.joined)
    before = len(low.sites)
    note_site(
        low,
        node,
        SiteKind.STATEMENT,
        operation,
        AccessKind.READ if reads and known else AccessKind.WRITE,
        Place(f"D:{query.table}") if known else None,
        wide=wide,
        writer=writes,
        # A key's name is an expression, and two expressions may name one key.
        domain="" if query.store == ROW or wide else "keys" if query.store == CACHE else "documents",
        in_transaction=inside,
        perhaps=perhaps,
    )
    merge_last(low, before)


def note_unknown(low: Lowering, node: Node, operation: str, executors: Iterable[Value] = ()) -> None:
    """Something is sent here, and nobody can tell what."""
    note_statement(low, node, Query(Op.OTHER, ""), operation, executors)


def note_begin(low: Lowering, node: Node, isolation: str) -> None:
    """A transaction begins: a step only where that takes the writer lock."""
    if isolation in _EXCLUSIVE:
        note_site(low, node, SiteKind.STATEMENT, f"BEGIN {isolation.upper()}", AccessKind.WRITE, None,
                  wide=True, writer=True, in_transaction=True)  # fmt: skip


def note_end(low: Lowering, node: Node, how: str) -> None:
    """`tx.commit()`, `tx.rollback()`: what the transaction did is seen, or undone; its locks are free."""
    note_site(low, node, SiteKind.COMMIT, how.upper(), AccessKind.WRITE, None, wide=True)


def note_closure(low: Lowering, closure: Node) -> None:
    """`conn.transaction(|c| …)`: the commit follows the end of the closure."""
    block = _body(closure)
    if block is None:
        return
    before = len(low.sites)
    note_site(low, block, SiteKind.COMMIT_BLOCK, "COMMIT", AccessKind.WRITE, None, wide=True)
    for index in range(before, len(low.sites)):
        one = low.sites[index]
        start, end = one.site.call
        if block.type == "block":
            start, end = start + 1, end - 1
        low.sites[index] = replace(one, site=replace(one.site, call=(start, end)))


def note_worker(low: Lowering, node: Node, name: str) -> None:
    """`conn.run(|c| …)`: what the closure does on its own thread is the request's."""
    note_site(low, node, SiteKind.SPAWN_CLOSURE, name, AccessKind.WRITE, None)


def _transaction(low: Lowering, executors: Iterable[Value]) -> tuple[bool, bool]:
    """Whether the statement is surely in a transaction; whether it is if the caller began one."""
    inside, perhaps = bool(low.transactions), False
    for value in executors:
        inner = peel(value.type)
        if inner is not None and "Pool" in inner.short:
            continue
        inside = inside or (inner is not None and "Transaction" in inner.short)
        for guard in value.guards:
            inside = inside or (guard >= 0 and low.events[guard].kind is Kind.BEGIN)
            perhaps = perhaps or guard < 0
    return inside, perhaps


def _body(closure: Node) -> Node | None:
    """What a closure evaluates to: its block, or that of the future it gives."""
    body = closure.child_by_field_name("body")
    if body is None or (body.type == "block" and len(body.named_children) != 1):
        return body
    pending = [body]
    for _ in range(_LOOK):
        if not pending:
            break
        current = pending.pop(0)
        if current.type == "async_block":
            return next((child for child in current.named_children if child.type == "block"), None)
        if current.type in ("block", "call_expression", "field_expression", "arguments"):
            pending += current.named_children
    return body


_LOOK = 12  # nodes: `Box::pin(async move { … })`, `async { … }.scope_boxed()`
