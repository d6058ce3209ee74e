"""Diesel's terms: what names a table or a column, what a filter states, what is assigned.

Owns the reading of arguments. Tables and columns are recognised by what `table!` declares and by the
paths diesel prescribes (`x::table`, `x::dsl::x`). It must not know statements.
"""

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments
from deadheat.rust.db.query import Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.items import segments
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import DEPTH, evaluate, key_of, value_of
from deadheat.rust.syntax import field_text, significant
from deadheat.rust.types import Type, peel

_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq_any": "in", "is": "=",
              "is_not_distinct_from": "="}  # fmt: skip


# ---------------------------------------------------------------------- names


def path(low: Lowering, written: tuple[str, ...], resolved: str) -> Value | None:
    """A table or a column, when the path names one."""
    tables = low.types.tables
    parts = resolved.split("::")
    last = parts[-1]
    if len(parts) > 1:
        owner = parts[-2] if parts[-2] != "dsl" or len(parts) < 3 else parts[-3]
        if last == "table" and (not tables or owner in tables):
            return _table(low, owner)
        if owner in tables:
            if parts[-2] == "dsl" and last == owner:
                return _table(low, owner)
            if last in tables[owner].columns:
                return _column(owner, last)
            if last in ("all_columns", "star"):
                return Value(query=Query(Op.COLUMN, owner))
    if len(written) == 1 and tables:
        for glob in low.module.globs:
            owner = glob[-2] if glob[-1:] == ("dsl",) and len(glob) > 1 else glob[-1] if glob else ""
            if owner in tables:
                if last == owner or (last == "table" and glob[-1] == owner):
                    return _table(low, owner)
                if last in tables[owner].columns:
                    return _column(owner, last)
    return None


def _table(low: Lowering, name: str) -> Value:
    del low
    return Value(Type("[table]"), query=Query(Op.TABLE, name))


def _column(table: str, name: str) -> Value:
    return Value(Type("[column]"), query=Query(Op.COLUMN, table, columns=(name,)))


def column_of(low: Lowering, node: Node | None) -> str | None:
    """The column an expression names, through references and `.nullable()`."""
    while node is not None:
        if node.type == "reference_expression":
            node = node.child_by_field_name("value")
        elif node.type == "call_expression":
            callee = node.child_by_field_name("function")
            if callee is None or callee.type != "field_expression":
                inner = arguments(node)  # lower(users::email)
                node = inner[0] if len(inner) == 1 else None
                continue
            node = callee.child_by_field_name("value")
        elif node.type in ("identifier", "scoped_identifier"):
            names = segments(node)
            if len(names) == 1 and low.lookup(names[0]) is not None:
                return None
            found = path(low, names, low.types.modules.resolve(low.module, names))
            if (
                found is None
                or found.query is None
                or found.query.op is not Op.COLUMN
                or not found.query.columns
            ):
                return None
            return found.query.columns[0]
        else:
            return None
    return None


def conditions(low: Lowering, node: Node | None) -> tuple[tuple[Condition, ...], bool, Deps]:
    """The conjunction that a filter's argument is; whether something in it is not understood."""
    if node is None:
        return (), False, NO_DEPS
    if low.depth > DEPTH:
        return (), True, NO_DEPS
    low.depth += 1
    try:
        return _conditions(low, node)
    finally:
        low.depth -= 1


def _conditions(low: Lowering, node: Node) -> tuple[tuple[Condition, ...], bool, Deps]:
    if node.type == "reference_expression":
        return conditions(low, node.child_by_field_name("value"))
    if node.type == "tuple_expression":
        parts = [conditions(low, child) for child in significant(node)]
        return _all(parts)
    if node.type == "call_expression":
        callee = node.child_by_field_name("function")
        if callee is not None and callee.type == "field_expression":
            method, left = field_text(callee, "field"), callee.child_by_field_name("value")
            listed = arguments(node)
            if method == "and":
                return _all([conditions(low, left), *(conditions(low, one) for one in listed)])
            if method in ("or", "and_not"):
                where, _, deps = _all([conditions(low, left), *(conditions(low, one) for one in listed)])
                return tuple(Condition(one.column, "~") for one in where), True, deps
            if method in _OPERATORS and len(listed) == 1:
                column = column_of(low, left)
                value = value_of(low, listed[0])
                if column is not None:
                    return (
                        (Condition(column, _OPERATORS[method], key_of(listed[0], value)),),
                        False,
                        value.deps,
                    )
                return (), True, value.deps
            if method in ("is_null", "is_not_null"):
                column = column_of(low, left)
                operator = "=" if method == "is_null" else "<>"
                return ((Condition(column, operator, "null"),) if column else ()), column is None, NO_DEPS
            value = evaluate(low, node)
            return (), True, value.deps
    column = column_of(low, node)
    if column is not None:
        return (Condition(column, "=", "true"),), False, NO_DEPS
    return (), True, evaluate(low, node).deps


def _all(parts: list[tuple[tuple[Condition, ...], bool, Deps]]) -> tuple[tuple[Condition, ...], bool, Deps]:
    where: tuple[Condition, ...] = ()
    deps: Deps = NO_DEPS
    for found, _, more in parts:
        where += found
        deps |= more
    return where, any(opaque for _, opaque, _ in parts), deps


# ---------------------------------------------------------------------- what is written


class Assigned:
    """What `.set(…)` or `.values(…)` writes."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.columns: list[str] = []
        self.values: list[str | None] = []
        self.relative: list[str] = []
        self.deps: Deps = NO_DEPS
        self.whole = False
        self.many = False
        self.depth = 0

    def read(self, low: Lowering, node: Node | None) -> "Assigned":
        """Collect from an argument: equalities, tuples of them, or a changeset struct."""
        if node is None or self.depth > DEPTH:
            return self
        self.depth += 1
        if node.type in ("reference_expression", "parenthesized_expression"):
            return self.read(low, node.child_by_field_name("value") or next(significant(node), None))
        if node.type in ("tuple_expression", "array_expression"):
            for child in significant(node):
                self.read(low, child)
            return self
        callee = node.child_by_field_name("function") if node.type == "call_expression" else None
        if callee is not None and callee.type == "field_expression" and field_text(callee, "field") == "eq":
            column, listed = column_of(low, callee.child_by_field_name("value")), arguments(node)
            if column is not None and listed:
                self._assign(low, column, listed[0])
                return self
        if node.type == "macro_invocation":
            self.deps |= evaluate(low, node).deps
            return self
        value = value_of(low, node)
        self.deps |= value.deps
        declared = peel(value.type)
        self.many = self.many or (declared is not None and declared.short == "Vec")
        fields = low.types.fields(declared)
        if fields:
            self.columns += [name for name in fields if name not in self.columns]
        self.whole = True
        return self

    def _assign(self, low: Lowering, column: str, node: Node) -> None:
        value = value_of(low, node)
        self.columns.append(column)
        self.values.append(key_of(node, value))
        self.deps |= value.deps
        pending = [node]
        while pending:
            current = pending.pop()
            if current.type in ("identifier", "scoped_identifier") and column_of(low, current) == column:
                self.relative.append(column)
                return
            pending += current.named_children

    def into(self, query: Query) -> Query:
        """The query with these assignments."""
        return replace(
            query, columns=tuple(self.columns), values=tuple(self.values), relative=tuple(self.relative),
            whole=self.whole, many=self.many,
        )  # fmt: skip
