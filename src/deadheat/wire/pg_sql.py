"""What one SQL statement of an application touches: table, row where it can be told, read or write.

Pure. Owns dependency keys for the search. Whatever is not understood is *unknown*, which conflicts
with everything: a wrong independence would make a reduced search skip real interleavings, a wrong
dependence only makes it longer. A row is told only where one table is compared for equality with a
value whose equality is that of its bytes. What the database does unasked (foreign keys, unique
columns, triggers) is not here: `wire.pg_transaction` and the caller know the catalogue.
"""

import re
from enum import Enum, StrEnum
from functools import lru_cache

import sqlglot
from msgspec import Struct
from msgspec.structs import replace
from sqlglot import exp
from sqlglot.errors import SqlglotError

Value = tuple[str, str]
"""A decoded value: the family of its type, and its text."""


class Effect(Enum):
    """What kind of statement it is."""

    NONE = "none"  # reads and writes no table: SET, a savepoint, a lookup in the catalogue
    READING = "reading"  # touches no table either, but takes a snapshot: SELECT 1
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    UNDO = "undo"  # ROLLBACK TO a savepoint: the transaction goes on
    TOUCH = "touch"  # reads or writes tables that it names
    UNKNOWN = "unknown"


class Access(Struct, frozen=True):
    """A table, and the row of it where `column = value` says which; no `row` is the whole table.

    `locks`: it locks what it reads (SELECT … FOR UPDATE). `adds`: the row is new, so that whether it
    may be there depends on the others. `assigned` are the columns that an UPDATE sets.
    """

    table: str
    write: bool
    row: tuple[tuple[str, Value], ...] = ()
    locks: bool = False
    adds: bool = False
    assigned: tuple[str, ...] = ()


class Level(StrEnum):
    """An isolation level as `SHOW transaction_isolation` names it."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"
    UNKNOWN = "unknown"


class _Shape(Struct, frozen=True):
    """A statement as read once: each key is (column, parameter number, literal)."""

    effect: Effect
    tables: tuple[str, ...] = ()
    write: bool = True
    keys: tuple[tuple[str, int, Value | None], ...] = ()
    locks: bool = False
    adds: bool = False
    assigned: tuple[str, ...] = ()


_NOTHING = frozenset(
    {"SET", "SHOW", "RESET", "DEALLOCATE", "DISCARD", "CLOSE", "LISTEN", "UNLISTEN", "SAVEPOINT", "RELEASE"}
)
_BEGIN = frozenset({"BEGIN", "START"})
_COMMIT = frozenset({"COMMIT", "END"})
_ROLLBACK = frozenset({"ROLLBACK", "ABORT"})
_READ = frozenset({"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES", "TABLE", "COPY"})
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


@lru_cache(maxsize=4096)
def effects(sql: str) -> tuple[Effect, ...]:
    """Give the kind of each statement of a text."""
    return tuple(shape.effect for shape in _shapes(sql))


@lru_cache(maxsize=4096)
def accesses(sql: str, values: tuple[Value | None, ...] = ()) -> tuple[Access, ...]:
    """Give what a text touches; empty when that is unknown."""
    shapes = [shape for shape in _shapes(sql) if shape.effect not in {Effect.NONE, Effect.READING}]
    if len(shapes) != 1 or shapes[0].effect is not Effect.TOUCH:
        return ()
    shape = shapes[0]
    row = []
    for column, parameter, literal in shape.keys:
        value = values[parameter - 1] if 0 < parameter <= len(values) else literal
        if value is not None:
            row.append((column, value))
    return tuple(
        Access(table, shape.write, tuple(row), shape.locks, shape.adds, shape.assigned)
        for table in shape.tables
    )


@lru_cache(maxsize=256)
def level(sql: str) -> Level | None:
    """Give the isolation level that a text asks for; None where it says nothing of one."""
    words = " ".join(_COMMENT.sub(" ", sql).upper().replace("_", " ").split())
    if "ISOLATION" not in words:
        return None
    return named_level(words)


def named_level(words: str) -> Level:
    """Give the one isolation level that is named."""
    words = words.upper()
    named = [
        found
        for name, found in (
            ("READ COMMITTED", Level.READ_COMMITTED),
            ("READ UNCOMMITTED", Level.READ_COMMITTED),  # the same to PostgreSQL
            ("REPEATABLE READ", Level.REPEATABLE_READ),
            ("SERIALIZABLE", Level.SERIALIZABLE),
        )
        if name in words
    ]
    return named[0] if len(named) == 1 else Level.UNKNOWN


@lru_cache(maxsize=256)
def for_session(sql: str) -> bool:
    """Whether an isolation level is meant for the transactions to come, not for the one that is open."""
    words = " ".join(_COMMENT.sub(" ", sql).upper().replace("_", " ").split())
    return words.startswith("SET") and not words.startswith(("SET TRANSACTION", "SET LOCAL"))


@lru_cache(maxsize=256)
def resets(sql: str) -> bool:
    """Whether settings of the session go back to what somebody else chose."""
    return sql.lstrip().upper().startswith(("RESET", "DISCARD"))


_DECLARE = re.compile(r"""DECLARE\s+("[^"]+"|\w+)\s.*?\bCURSOR\b.*?\bFOR\s+(.*)""", re.IGNORECASE | re.DOTALL)
_FETCH = re.compile(r"""(?:FETCH|MOVE)\s+(?:[\w+-]+\s+)*?(?:FROM\s+|IN\s+)?("[^"]+"|\w+)""", re.IGNORECASE)


@lru_cache(maxsize=256)
def declared(sql: str) -> tuple[str, str] | None:
    """Give the name and the query of a cursor that a text declares."""
    found = _DECLARE.fullmatch(_COMMENT.sub(" ", sql).strip().rstrip(";").strip())
    return (_cursor(found[1]), found[2]) if found else None


@lru_cache(maxsize=256)
def fetched(sql: str) -> str | None:
    """Give the name of the cursor that a text fetches from."""
    found = _FETCH.fullmatch(_COMMENT.sub(" ", sql).strip().rstrip(";").strip())
    return _cursor(found[1]) if found else None


def _cursor(name: str) -> str:
    return name.strip('"') if name.startswith('"') else name.lower()


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
    cursor = declared(plain)
    if cursor is not None:
        return _shapes(cursor[1])
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
    if word in _COMMIT:
        return _Shape(Effect.UNKNOWN if "PREPARED" in statement.upper().split() else Effect.COMMIT)
    if word in _ROLLBACK:
        rest = statement.upper().split()
        if "PREPARED" in rest:
            return _Shape(Effect.UNKNOWN)
        return _Shape(Effect.UNDO if "TO" in rest else Effect.ROLLBACK)
    return _Shape(Effect.UNKNOWN)


def _shape(tree: exp.Expr) -> _Shape:
    if isinstance(tree, exp.Transaction):
        return _Shape(Effect.BEGIN)
    if isinstance(tree, exp.Commit):
        return _Shape(Effect.COMMIT)
    if isinstance(tree, exp.Rollback):
        return _Shape(Effect.UNDO if tree.args.get("savepoint") is not None else Effect.ROLLBACK)
    if isinstance(tree, exp.Set):
        return _Shape(Effect.NONE)
    copies_in = isinstance(tree, exp.Copy) and bool(tree.args.get("kind"))
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Insert | exp.Update | exp.Delete | exp.Copy):
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
        return _Shape(Effect.READING)
    if any(tree.find(kind) is not None for kind in (exp.Anonymous, exp.Into)):
        return _Shape(Effect.UNKNOWN)  # a function of the user's, nextval, an advisory lock, a new table
    if not tables:
        return _Shape(Effect.READING)
    write = bool(changes) or copies_in
    whole = _Shape(Effect.TOUCH, tuple(sorted(tables)), write, locks=locks, adds=write)
    if len(tables) > 1 or len(all_tables) > 1 or len(changes) > 1 or copies_in:
        # A write somewhere among several tables is a write of each: dependent where in doubt.
        return whole
    if isinstance(tree, exp.Insert):
        return replace(whole, keys=_inserted(tree))
    return _with_row(tree, replace(whole, adds=False))


def _inserted(tree: exp.Insert) -> tuple[tuple[str, int, Value | None], ...]:
    """Give the columns of the one row that is inserted, as far as their values are known."""
    into, given = tree.this, tree.expression
    if not isinstance(into, exp.Schema) or not isinstance(given, exp.Values) or len(given.expressions) != 1:
        return ()
    columns = [column for column in into.expressions if isinstance(column, exp.Identifier)]
    values = given.expressions[0].expressions
    if len(columns) != len(into.expressions) or len(columns) != len(values):
        return ()
    conflict = tree.args.get("conflict")
    matched: set[str] | None = None
    if conflict is not None and "UPDATE" in str(conflict.args.get("action")).upper():
        # The row that is there already: the same as the new one in the columns that conflict only.
        targets = conflict.args.get("conflict_keys") or ()
        plain = (target.this if isinstance(target, exp.Ordered) else target for target in targets)
        matched = {_column(target) for target in plain if isinstance(target, exp.Column)}
        matched -= {_column(left.this) for left in conflict.expressions if isinstance(left, exp.EQ)}
    found_keys = []
    for column, value in zip(columns, values, strict=True):
        key = _key(_identifier(column), value)
        if key is not None and (matched is None or key[0] in matched):
            found_keys.append(key)
    return tuple(found_keys)


def _with_row(tree: exp.Expr, whole: _Shape) -> _Shape:
    """Find each `column = value` among the conditions that must all hold."""
    if not isinstance(tree, exp.Select | exp.Update | exp.Delete):
        return whole
    if any(inner is not tree for inner in tree.find_all(exp.Select, exp.CTE, exp.Subquery)):
        return whole  # the conditions may be about something else than the table
    assigned: tuple[str, ...] = ()
    if isinstance(tree, exp.Update):
        targets = [target.this for target in tree.expressions if isinstance(target, exp.EQ)]
        if len(targets) != len(tree.expressions) or not all(isinstance(t, exp.Column) for t in targets):
            return replace(whole, adds=True)
        assigned = tuple(_column(target) for target in targets)
        whole = replace(whole, assigned=assigned)
    where = tree.args.get("where")
    if where is None:
        return whole
    keys = []
    for condition in _conjuncts(where.this):
        if not isinstance(condition, exp.EQ):
            continue
        left, right = condition.this, condition.expression
        if not isinstance(left, exp.Column):
            left, right = right, left
        if isinstance(left, exp.Column) and _column(left) not in assigned:
            key = _key(_column(left), right)
            keys += [key] if key is not None else []
    return replace(whole, keys=tuple(keys))


def _key(column: str, value: exp.Expr) -> tuple[str, int, Value | None] | None:
    if isinstance(value, exp.Placeholder) and str(value.name).startswith("zzp"):
        return column, int(str(value.name).removeprefix("zzp")), None
    if isinstance(value, exp.Literal) and not value.is_string and str(value.this).isdigit():
        return column, 0, ("int", str(int(str(value.this))))
    return None


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    if isinstance(condition, exp.Paren):
        return _conjuncts(condition.this)
    if isinstance(condition, exp.And):
        return _conjuncts(condition.this) + _conjuncts(condition.expression)
    return [condition]


def _column(column: exp.Column) -> str:
    # "Name" and name are two columns: taken for one, their differing values would look like two rows.
    return _identifier(column.this)


def _identifier(name: exp.Expr) -> str:
    return str(name.this) if name.args.get("quoted") else str(name.this).lower()


def _name(table: exp.Table) -> str:
    # Without its schema: two tables of one name in two schemas are then one, which is on the safe side.
    return table.name.lower()


def _catalogue(table: exp.Table) -> bool:
    schema = table.db.lower()
    return schema in {"pg_catalog", "information_schema"} or (not schema and table.name.startswith("pg_"))
