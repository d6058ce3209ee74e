"""SQL text to statements.

Owns the reading of SQL through sqlglot: placeholders of every client (`$1`, `?`, `?1`, `:name`, `{hole}`)
are rewritten to one form first, conditions are the conjunction of the WHERE clause. Whatever
sqlglot cannot read, in any way, is unknown: no statement, never an error. sqlglot is
imported on first use, because most programs have no SQL and its import costs more than they take.
"""

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from deadheat.rust.db.query import KEEPS, KEEPS_ON, Condition, Op, Query

if TYPE_CHECKING:
    from sqlglot import exp

_TOKENS = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$\d+|\?\d*|\{[^{}]*\}|(?<![:\w]):[A-Za-z_]\w*|@\w+",
    re.DOTALL,
)
_STARTS = re.compile(
    r"^[\s(]*(?:--[^\n]*\n\s*)*(select|insert|update|delete|replace|with|begin|start|commit|rollback|create|pragma|"
    r"alter|drop|set|lock)\b",
    re.IGNORECASE,
)
_ESCAPES = re.compile(r"\\(\r?\n\s*|.)", re.DOTALL)
_STRONG = re.compile(r"immediate|exclusive|serializable", re.IGNORECASE)
_KEEPS = re.compile(
    r"pg_(?:try_)?advisory_xact_lock\s*\(|^\s*lock\s+tables?\b|^\s*set\s.*isolation\s+level\s+serializable",
    re.IGNORECASE | re.DOTALL,
)
_KEEPS_ON = re.compile(r"pg_(?:try_)?advisory_lock\s*\(|\bget_lock\s*\(", re.IGNORECASE)
HOLE = "dh_hole"
_LIMIT = 20_000


def looks_like_sql(text: str) -> bool:
    """Whether a string begins as a statement does."""
    return _STARTS.match(text) is not None


def unescaped(text: str) -> str:
    """A Rust string literal's content with its line continuations and escapes undone."""
    if "\\" not in text:
        return text
    return _ESCAPES.sub(lambda m: _escape(m.group(1)), text)


def _escape(what: str) -> str:
    if what[0] in "\r\n":
        return ""
    return {"n": "\n", "t": "\t", "r": "\r"}.get(what, what)


def parse(text: str, dialect: str) -> "list[exp.Expression]":
    """The trees of a piece of SQL; empty when it cannot be read, whatever the reason."""
    try:
        import sqlglot
        from sqlglot import exp

        logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it cannot read is our business
        return [one for one in sqlglot.parse(text, read=dialect) if isinstance(one, exp.Expression)]
    except Exception:  # noqa: BLE001 - whatever it stumbles over is text that we do not understand
        return []


@lru_cache(maxsize=4096)
def statements(text: str) -> tuple[Query, ...]:
    """The statements of a piece of SQL; their placeholders are the keys `?0`, `?1` and so on."""
    head = _STARTS.match(text)
    if head is None or len(text) > _LIMIT:
        return ()
    first = head.group(1).lower()
    if first in ("begin", "start"):
        strong = _STRONG.search(text)
        return (Query(Op.BEGIN, "", isolation=strong.group(0).lower() if strong else ""),)
    if first in ("select", "set", "lock"):
        kept = KEEPS if _KEEPS.search(text) else KEEPS_ON if _KEEPS_ON.search(text) else ""
        if kept:
            return (Query(Op.SELECT, kept, locked=True, others=True),)
    if first in ("lock", "commit", "rollback", "pragma", "create", "alter", "drop", "set"):
        return ()
    if first == "replace":
        text = re.sub(r"^\s*replace\b", "INSERT OR REPLACE", text, count=1, flags=re.IGNORECASE)
    found: list[Query] = []
    rewritten, first_choice = _rewritten(text), _dialect(text)
    second_choice = "mysql" if first_choice != "mysql" else "sqlite"
    trees = parse(rewritten, first_choice) or parse(rewritten, second_choice)
    for one in trees:
        try:
            query = _statement(one)
        except Exception:  # noqa: BLE001
            query = None
        if query is not None:
            # One call may send several statements; whoever knows of the first must know of the rest.
            more = len(trees) > 1 or _touches_more(one, query)
            found.append(replace(query, others=True) if more else query)
    return tuple(found)


def _dialect(text: str) -> str:
    upper = text.upper()
    if "INSERT OR" in upper:
        return "sqlite"
    if "`" in text or "IGNORE" in upper or "DUPLICATE KEY" in upper:
        return "mysql"
    return "postgres"


def _rewritten(text: str) -> str:
    count = 0

    def one(match: re.Match[str]) -> str:
        nonlocal count
        token = match.group(0)
        if token[0] in "$?" and token[1:].isdigit():
            return f":dh_{int(token[1:]) - 1}"
        if token == "?":
            count += 1
            return f":dh_{count - 1}"
        if token[0] == "{":
            return HOLE
        if token[0] == "@":
            return f":{token[1:]}"
        return token

    return _TOKENS.sub(one, text)


def _touches_more(node: "exp.Expression", query: Query) -> bool:
    """Whether the statement names other tables, or functions whose doing is not known."""
    from sqlglot import exp

    names = {one.name.lower() for one in node.find_all(exp.Table)}
    return bool(names - {query.table, *query.joined}) or node.find(exp.Anonymous, exp.Command) is not None


def _statement(node: "exp.Expression") -> Query | None:
    from sqlglot import exp

    if isinstance(node, exp.Select):
        return _select(node)
    if isinstance(node, exp.SetOperation):
        left = node.left
        return _statement(left) if isinstance(left, exp.Expression) else None
    if isinstance(node, exp.Insert):
        return _insert(node)
    if isinstance(node, exp.Update):
        return _update(node)
    if isinstance(node, exp.Delete):
        where, opaque = _where(node.args.get("where"))
        return Query(
            Op.DELETE,
            _table(node.this),
            where=where,
            opaque=opaque,
            returning=node.args.get("returning") is not None,
        )
    return None


def _table(node: object) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Schema):
        node = node.this
    if isinstance(node, exp.Table):
        return "" if node.name == HOLE else node.name.lower()
    return ""


def _select(node: "exp.Select") -> Query | None:
    from sqlglot import exp

    source = node.args.get("from") or node.args.get("from_")
    where, opaque = _where(node.args.get("where"))
    if source is None:
        return _without_source(node)
    table = _table(source.this)
    joins = node.args.get("joins") or []
    joined = [_table(source_of.this) for source_of in joins]
    beside = any(one == table for one in joined)  # with itself: other rows of the table decide
    for one in joins if beside else ():
        where += tuple(c for c in _conditions(one.args.get("on"))[0] if c.operator == "=" and c.key)
    if isinstance(source.this, exp.Subquery):
        inner = _statement(source.this.this)
        table = inner.table if inner is not None else ""
    columns: list[str] = []
    aggregate = ""
    for one in node.expressions:
        plain = one.this if isinstance(one, exp.Alias) else one
        if isinstance(plain, exp.Column) and plain.name != "*":
            columns.append(plain.name.lower())
        found = _aggregate(plain)
        aggregate = aggregate or found
        if found in ("max", "min", "sum"):
            columns += [column.name.lower() for column in plain.find_all(exp.Column)][:1]
    if any(isinstance(one, exp.Star) for one in node.expressions):
        columns = []
    order = node.args.get("order")
    descending = order is not None and any(one.args.get("desc") for one in order.expressions)
    limit = node.args.get("limit")
    limited = limit is not None
    if descending and limited and not aggregate and str(getattr(limit, "expression", "")) == "1":
        aggregate = "last"
    return Query(
        Op.SELECT, table, columns=tuple(columns), where=where, opaque=opaque or bool(node.args.get("group")),
        aggregate=aggregate, locked=bool(node.args.get("locks")), limited=limited,
        order="desc" if descending else "",
        joined=tuple(one for one in joined if one and (beside or one != table)),
    )  # fmt: skip


def _aggregate(node: "exp.Expression") -> str:
    from sqlglot import exp

    kinds = (
        (exp.Count, "count"),
        (exp.Max, "max"),
        (exp.Min, "min"),
        (exp.Sum, "sum"),
        (exp.Exists, "exists"),
    )
    for kind, name in kinds:
        if isinstance(node, kind) or any(_is_own(node, found) for found in node.find_all(kind)):
            return name
    return ""


def _is_own(node: "exp.Expression", inner: object) -> bool:
    """Whether it is said of the rows that are read, not of those of a sub-select beside their columns."""
    from sqlglot import exp

    above = inner.parent if isinstance(inner, exp.Expression) else None
    while above is not None and above is not node:
        if isinstance(above, exp.Subquery):
            return False
        above = above.parent
    return not isinstance(node, exp.Subquery)


def _without_source(node: "exp.Select") -> Query | None:
    from sqlglot import exp

    for one in node.expressions:
        inner = one.find(exp.Select)
        if inner is not None:
            query = _select(inner)
            if query is not None and one.find(exp.Exists) is not None:
                return Query(
                    Op.SELECT, query.table, where=query.where, opaque=query.opaque, aggregate="exists"
                )
            return query
        text = one.sql().lower()
        if "last_insert" in text or "lastval" in text:
            return Query(Op.SELECT, "", aggregate="last")
    return None


def _insert(node: "exp.Insert") -> Query | None:
    from sqlglot import exp

    target = node.this
    columns = tuple(one.name.lower() for one in target.expressions) if isinstance(target, exp.Schema) else ()
    values: tuple[str | None, ...] = ()
    source = node.expression
    guarded = False
    if isinstance(source, exp.Values) and source.expressions:
        row = source.expressions[0]
        values = tuple(_key(one) for one in (row.expressions if isinstance(row, exp.Tuple) else [row]))
    elif isinstance(source, exp.Select):
        values = tuple(_key(one.this if isinstance(one, exp.Alias) else one) for one in source.expressions)
        where = source.args.get("where")
        guarded = where is not None and where.find(exp.Exists) is not None
    conflict = node.args.get("conflict")
    how = ""
    alternative = str(node.args.get("alternative") or "").lower()
    if conflict is not None:
        action = str(conflict.args.get("action") or "").lower()
        how = "nothing" if "nothing" in action else "update"
    elif node.args.get("ignore") or alternative == "ignore":
        how = "ignore"
    elif alternative == "replace" or node.args.get("overwrite"):
        how = "replace"
    elif guarded:
        how = "guarded"
    return Query(
        Op.INSERT, _table(target), columns=columns, values=values, conflict=how,
        returning=node.args.get("returning") is not None,
    )  # fmt: skip


def _update(node: "exp.Update") -> Query | None:
    from sqlglot import exp

    columns: list[str] = []
    relative: list[str] = []
    values: list[str | None] = []
    for one in node.expressions:
        if not isinstance(one, exp.EQ):
            continue
        name = one.this.name.lower()
        columns.append(name)
        values.append(_key(one.expression))
        if any(column.name.lower() == name for column in one.expression.find_all(exp.Column)):
            relative.append(name)
    where, opaque = _where(node.args.get("where"))
    return Query(
        Op.UPDATE, _table(node.this), columns=tuple(columns), values=tuple(values), relative=tuple(relative),
        where=where, opaque=opaque, returning=node.args.get("returning") is not None,
    )  # fmt: skip


def _key(node: "exp.Expression | None") -> str | None:
    """The name of a value: a placeholder's number, a literal, a parameter's name."""
    from sqlglot import exp

    while isinstance(node, (exp.Cast, exp.Paren)):
        node = node.this
    if isinstance(node, exp.Placeholder):
        name = str(node.this or "")
        return f"?{name[3:]}" if name.startswith("dh_") else f":{name}"
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Null)):
        return str(node.sql()).lower()
    return None


def _where(node: "exp.Expression | None") -> tuple[tuple[Condition, ...], bool]:
    return _conditions(node.this if node is not None else None)


def _conditions(condition: "exp.Expression | None") -> tuple[tuple[Condition, ...], bool]:
    """What a condition holds to be true, one conjunct after the other."""
    from sqlglot import exp

    if condition is None:
        return (), False
    conditions: list[Condition] = []
    opaque = False
    flat = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    operators = (
        (exp.EQ, "="), (exp.NEQ, "<>"), (exp.GT, ">"), (exp.GTE, ">="), (exp.LT, "<"), (exp.LTE, "<="),
        (exp.Is, "is"), (exp.In, "in"),
    )  # fmt: skip
    for one in flat:
        while isinstance(one, exp.Paren):
            one = one.this
        operator = next((name for kind, name in operators if isinstance(one, kind)), "")
        left, right = one.args.get("this"), one.args.get("expression")
        if operator and isinstance(left, exp.Column):
            conditions.append(Condition(left.name.lower(), operator, _key(right)))
        elif operator and isinstance(right, exp.Column):
            turned = {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(operator, operator)
            conditions.append(Condition(right.name.lower(), turned, _key(left)))
        elif isinstance(one, exp.Column):
            conditions.append(Condition(one.name.lower(), "=", "true"))
        elif isinstance(one, exp.Not) and isinstance(one.this, exp.Column):
            conditions.append(Condition(one.this.name.lower(), "=", "false"))
        else:
            opaque = True
            conditions += [Condition(column.name.lower(), "~") for column in one.find_all(exp.Column)]
    return tuple(conditions), opaque


__all__ = ["HOLE", "looks_like_sql", "parse", "statements", "unescaped"]
