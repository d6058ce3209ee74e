"""What one SQL statement of an application touches: table, row where it can be told, read or write.

Pure. Owns dependency keys for the search. Whatever is not understood is *unknown*, which conflicts
with everything: a wrong independence would make a reduced search skip real interleavings, a wrong
dependence only makes it longer. A row is told only where one table is compared for equality with a
value whose equality is that of its bytes. Triggers, foreign keys, rules and views make a statement
touch more than it names: the caller asks the catalogue for them and then believes no key.
"""

import re
from enum import Enum
from functools import lru_cache

import sqlglot
from msgspec import Struct
from sqlglot import exp
from sqlglot.errors import SqlglotError

Value = tuple[str, str]
"""A decoded value: the family of its type, and its text."""


class Effect(Enum):
    """What kind of statement it is."""

    NONE = "none"  # reads and writes no table: SET, SELECT 1, a lookup in the catalogue
    BEGIN = "begin"
    FINISH = "finish"  # COMMIT, ROLLBACK, and savepoints
    TOUCH = "touch"  # reads or writes tables that it names
    UNKNOWN = "unknown"


class Access(Struct, frozen=True):
    """A table, and the row of it where `column = value` says which; None is the whole table."""

    table: str
    write: bool
    column: str | None = None
    value: Value | None = None


class _Shape(Struct, frozen=True):
    """A statement as read once: `key` is (column, parameter number or literal)."""

    effect: Effect
    tables: tuple[str, ...] = ()
    write: bool = True
    column: str | None = None
    parameter: int = 0
    literal: Value | None = None


_NOTHING = frozenset({"SET", "SHOW", "RESET", "DEALLOCATE", "DISCARD", "CLOSE"})
_BEGIN = frozenset({"BEGIN", "START"})
_FINISH = frozenset({"COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_READ = frozenset({"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES"})
_PARAMETER = re.compile(r"\$(\d+)")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_INTEGERS = frozenset({20, 21, 23})  # int8, int2, int4; OIDs of pg_type.dat
_TEXTS = frozenset({25, 1043})  # text, varchar; not bpchar, whose padding does not count


def decode(type_: int, format_: int, value: bytes | None) -> Value | None:
    """Give a bound value whose equality is that of its text; None for any other."""
    if value is None:
        return None
    if type_ in _INTEGERS:
        if format_ == 1:
            return "int", str(int.from_bytes(value, "big", signed=True))
        text = value.decode("ascii", "replace").strip()
        return ("int", str(int(text))) if re.fullmatch(r"-?\d+", text) else None
    if type_ in _TEXTS:
        return "text", value.decode("utf-8", "backslashreplace")
    if type_ == 2950 and format_ == 1:
        return "uuid", value.hex()
    return None


def effects(sql: str) -> tuple[Effect, ...]:
    """Give the kind of each statement of a text."""
    return tuple(shape.effect for shape in _shapes(sql))


def accesses(sql: str, values: tuple[Value | None, ...] = ()) -> tuple[Access, ...]:
    """Give what a text touches; empty when that is unknown."""
    shapes = [shape for shape in _shapes(sql) if shape.effect is not Effect.NONE]
    if len(shapes) != 1 or shapes[0].effect is not Effect.TOUCH:
        return ()
    shape = shapes[0]
    value = shape.literal
    if 0 < shape.parameter <= len(values):
        value = values[shape.parameter - 1]
    column = shape.column if value is not None else None
    return tuple(
        Access(table, shape.write, column, value if column is not None else None) for table in shape.tables
    )


@lru_cache(maxsize=4096)
def normalised(sql: str) -> str:
    """One line with single spaces and without literals: the statement, whatever its values."""
    text = re.sub(r"'(?:[^']|'')*'", "'…'", _COMMENT.sub(" ", sql))
    return " ".join(text.split()).rstrip("; ")


@lru_cache(maxsize=4096)
def _shapes(sql: str) -> tuple[_Shape, ...]:
    plain = _COMMENT.sub(" ", sql).strip().rstrip(";").strip()
    if not plain:
        return (_Shape(Effect.NONE),)
    if ";" not in plain:
        quick = _by_word(plain)
        if quick is not None:
            return (quick,)
    elif any((quick := _by_word(part)) and quick.effect is Effect.UNKNOWN for part in plain.split(";")):
        return (_Shape(Effect.UNKNOWN),)
    try:
        parsed = sqlglot.parse(_PARAMETER.sub(r":zzp\1", plain), dialect="postgres")
    except (SqlglotError, RecursionError):
        return (_Shape(Effect.UNKNOWN),)
    return tuple(_shape(tree) for tree in parsed if tree is not None)


def _by_word(statement: str) -> _Shape | None:
    """Tell a statement by its first word, where that is enough; None asks for the grammar."""
    words = statement.split(None, 1)
    word = words[0].upper() if words else ""
    if word in _READ or word.startswith("("):
        return None
    if word in _NOTHING or not word:
        return _Shape(Effect.NONE)
    if word in _BEGIN:
        return _Shape(Effect.BEGIN)
    if word in _FINISH:
        return _Shape(Effect.FINISH)
    return _Shape(Effect.UNKNOWN)


def _shape(tree: exp.Expr) -> _Shape:
    if isinstance(tree, exp.Transaction):
        return _Shape(Effect.BEGIN)
    if isinstance(tree, exp.Commit | exp.Rollback):
        return _Shape(Effect.FINISH)
    if isinstance(tree, exp.Set):
        return _Shape(Effect.NONE)
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Insert | exp.Update | exp.Delete):
        return _Shape(Effect.UNKNOWN)
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    all_tables = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in named]
    if any(not isinstance(table.this, exp.Identifier) for table in all_tables):
        return _Shape(Effect.UNKNOWN)  # a function as a table
    tables = {_name(table) for table in all_tables if not _catalogue(table)}
    changes = list(tree.find_all(exp.Insert, exp.Update, exp.Delete))
    locks = bool(list(tree.find_all(exp.Lock)))
    catalogue_only = bool(all_tables) and not tables and not changes
    if catalogue_only:
        return _Shape(Effect.NONE)
    if any(tree.find(kind) is not None for kind in (exp.Anonymous, exp.Into)):
        return _Shape(Effect.UNKNOWN)  # a function of the user's, nextval, an advisory lock, a new table
    if not tables:
        return _Shape(Effect.NONE)
    write = bool(changes) or locks
    if len(tables) > 1 or len(all_tables) > 1:
        # A write somewhere among several tables is a write of each: dependent where in doubt.
        return _Shape(Effect.TOUCH, tuple(sorted(tables)), write)
    return _with_row(tree, next(iter(tables)), write=write)


def _with_row(tree: exp.Expr, table: str, *, write: bool) -> _Shape:
    """Find `column = value` among the conditions that must all hold."""
    whole = _Shape(Effect.TOUCH, (table,), write)
    if not isinstance(tree, exp.Select | exp.Update | exp.Delete):
        return whole
    where = tree.args.get("where")
    if where is None or list(where.find_all(exp.Subquery, exp.Select)):
        return whole
    assigned = set()
    if isinstance(tree, exp.Update):
        assigned = {target.this.name.lower() for target in tree.expressions if isinstance(target, exp.EQ)}
    for condition in _conjuncts(where.this):
        if not isinstance(condition, exp.EQ):
            continue
        left, right = condition.this, condition.expression
        if not isinstance(left, exp.Column):
            left, right = right, left
        if not isinstance(left, exp.Column) or left.name.lower() in assigned:
            continue
        if isinstance(right, exp.Placeholder) and str(right.name).startswith("zzp"):
            number = int(str(right.name).removeprefix("zzp"))
            return _Shape(Effect.TOUCH, (table,), write, _column(left), number)
        if isinstance(right, exp.Literal) and not right.is_string and str(right.this).isdigit():
            value = ("int", str(int(str(right.this))))
            return _Shape(Effect.TOUCH, (table,), write, _column(left), 0, value)
    return whole


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    if isinstance(condition, exp.Paren):
        return _conjuncts(condition.this)
    if isinstance(condition, exp.And):
        return _conjuncts(condition.this) + _conjuncts(condition.expression)
    return [condition]


def _column(column: exp.Column) -> str:
    # "Name" and name are two columns: taken for one, their differing values would look like two rows.
    return column.name if column.this.quoted else column.name.lower()


def _name(table: exp.Table) -> str:
    # Without its schema: two tables of one name in two schemas are then one, which is on the safe side.
    return table.name.lower()


def _catalogue(table: exp.Table) -> bool:
    schema = table.db.lower()
    return schema in {"pg_catalog", "information_schema"} or (not schema and table.name.startswith("pg_"))
