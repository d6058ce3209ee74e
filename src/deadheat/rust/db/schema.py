"""Tables: their columns, primary keys and what must be unique, as it stands after all migrations.

Owns the sources of a schema: diesel's `table!`, migrations in order (a later one may drop what an
earlier one promised), `CREATE TABLE` in string literals, what code declares (`declared`). A table that no
source describes is not known, and then nothing is claimed about uniqueness. It must not know accesses.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from deadheat.rust.db.declared import declared
from deadheat.rust.db.sql import parse

if TYPE_CHECKING:
    from sqlglot import exp

_MACRO = re.compile(
    rb"table!\s*[{(]\s*(?:use\s[^;]+;\s*)*(?:#\[[^\]]*\]\s*)*(?:(\w+)\s*\.\s*)?(\w+)\s*(?:\(([^)]*)\))?\s*\{([^{}]*)\}"
)
_COLUMN = re.compile(rb"(?:#\[sql_name\s*=\s*\"(\w+)\"\]\s*)?(\w+)\s*->")
_COMMENT = re.compile(rb"//[^\n]*")
_STATEMENT = re.compile(r"'(?:[^']|'')*'|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/|;", re.DOTALL)
_DDL = re.compile(
    r"^\s*(create\s+(unique\s+)?(index|table)|create\s+temp|alter\s+table|drop\s+(index|table))", re.I
)
_DROP_KEY = re.compile(r"\b(drop)\s+key\b", re.I)
_EMBEDDED = re.compile(
    rb"\"((?:[^\"\\]|\\.)*?\bCREATE\s+(?:TABLE|UNIQUE)(?:[^\"\\]|\\.)*)\"", re.IGNORECASE | re.DOTALL
)
_RAW = re.compile(rb"r(#*)\"((?:(?!\"\1).)*?\bCREATE\s+(?:TABLE|UNIQUE).*?)\"\1", re.IGNORECASE | re.DOTALL)


_PROGRAMMED = re.compile(rb"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:TRIGGER|RULE|VIEW)\b", re.IGNORECASE)


class Table(Struct):
    """One table; `unique` maps a constraint's name to its columns."""

    name: str
    columns: dict[str, None] = {}
    primary: tuple[str, ...] = ()
    unique: dict[str, tuple[str, ...]] = {}
    constrained: bool = False  # a source that would tell of UNIQUE has been read

    def is_unique(self, columns: Iterable[str]) -> bool:
        """Whether rows that agree in these columns are one row."""
        have = set(columns)
        return any(set(one) <= have for one in (self.primary, *self.unique.values()) if one)


def diesel_tables(files: Mapping[str, bytes]) -> dict[str, Table]:
    """What the `table!` macros declare: columns and primary keys, by table name."""
    found: dict[str, Table] = {}
    for text in files.values():
        if b"table!" not in text:
            continue
        for _, name, primary, body in _MACRO.findall(_COMMENT.sub(b"", text)):
            columns = dict.fromkeys(column.decode() for _, column in _COLUMN.findall(body))
            keys = tuple(key.strip().decode() for key in primary.split(b",") if key.strip())
            table = found.setdefault(name.decode(), Table(name.decode(), {}, keys or ("id",)))
            table.columns.update(columns)
    return found


class Schema:
    """Every table that is known."""

    def __init__(self, files: Mapping[str, bytes], sql: Mapping[str, bytes]) -> None:
        """Read `table!`, then migrations in order, then `CREATE TABLE` in literals.

        Migrations may be Rust: what stands in `sql` and is.
        """
        files = {**files, **{path: text for path, text in sql.items() if path.endswith(".rs")}}
        sql = {path: text for path, text in sql.items() if not path.endswith(".rs")}
        self.tables: dict[str, Table] = diesel_tables(files)
        self._indexes: dict[str, str] = {}
        self.partial: set[str] = set()
        self._linked: set[str] = set()  # tables that a foreign key leads from or to
        self._programmed = any(
            _PROGRAMMED.search(text) is not None for text in (*sql.values(), *files.values())
        )
        for one in declared(files):
            table = self._of(one.name) if one.complete else self._seen(one.name)
            table.columns.update(dict.fromkeys(one.columns))
            table.primary = one.primary or table.primary
            table.unique |= {f"{one.name}_{'_'.join(columns)}_key": columns for columns in one.unique}
        for path in sorted(sql):
            if not _is_downward(path):
                self._apply(sql[path].decode("utf-8", "replace"))
        for text in files.values():
            if re.search(rb"CREATE\s+(?:TABLE|UNIQUE)", text, re.IGNORECASE) is not None:
                for literal in [m[1] for m in _RAW.findall(text)] + _EMBEDDED.findall(text):
                    self._apply(literal.decode("utf-8", "replace").replace("\\n", "\n").replace("\\\n", "\n"))

    def table(self, name: str) -> Table | None:
        """The table of this name, None when no source describes it."""
        return self.tables.get(name)

    def unique(self, name: str, columns: Iterable[str]) -> bool | None:
        """Whether rows that agree in these columns are one row; None when nobody tells."""
        table = self.tables.get(name)
        if table is None or not table.constrained:
            if table is not None and table.is_unique(columns):
                return True
            return None
        return table.is_unique(columns)

    def is_linked(self, name: str) -> bool:
        """Whether a write to the table may read or write others: by a foreign key, a trigger, a rule."""
        return self._programmed or name in self._linked

    # ------------------------------------------------------------------ SQL

    def _apply(self, text: str) -> None:
        for statement in _split(text):
            if _DDL.match(statement) is None:
                continue
            statement = _DROP_KEY.sub(r"\1 INDEX", statement)
            for node in parse(statement, "mysql" if _is_mysql(statement) else "postgres"):
                with suppress(Exception):  # a tree of an unforeseen shape promises nothing
                    self._statement(node)

    def _statement(self, node: "exp.Expression") -> None:
        from sqlglot import exp

        if isinstance(node, exp.Create) and isinstance(node.this, exp.Schema):
            self._create_table(node.this)
        elif isinstance(node, exp.Create) and isinstance(node.this, exp.Index):
            self._create_index(node)
        elif isinstance(node, exp.Drop):
            kind = str(node.args.get("kind") or "").upper()
            for one in node.args.get("tables") or [node.this]:
                if kind == "TABLE" and one is not None:
                    self.tables.pop(one.name.lower(), None)
                elif kind == "INDEX" and one is not None:
                    self._drop_unique(self._indexes.get(one.name.lower(), ""), one.name.lower())
        elif isinstance(node, exp.Alter):
            self._alter(node)

    def _of(self, name: str) -> Table:
        table = self._seen(name)
        table.constrained = True
        return table

    def _seen(self, name: str) -> Table:
        return self.tables.setdefault(name.lower(), Table(name.lower()))

    def _create_table(self, node: "exp.Schema") -> None:
        from sqlglot import exp

        table = self._of(node.this.name)
        for reference in node.find_all(exp.Reference):
            target = reference.find(exp.Table)
            self._linked |= {table.name, target.name.lower() if target is not None else table.name}
        for one in node.expressions:
            if isinstance(one, exp.ColumnDef):
                name = one.name.lower()
                table.columns[name] = None
                for constraint in one.args.get("constraints") or []:
                    if isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint):
                        table.primary = (name,)
                    elif isinstance(constraint.kind, exp.UniqueColumnConstraint):
                        table.unique[f"{table.name}_{name}_key"] = (name,)
            else:
                self._constraint(table, one, "")

    def _constraint(self, table: Table, node: "exp.Expression", name: str) -> None:
        from sqlglot import exp

        if isinstance(node, exp.Constraint):
            for inner in node.expressions:
                self._constraint(table, inner, node.name.lower())
        elif isinstance(node, exp.PrimaryKey):
            table.primary = _names(node.expressions)
        elif isinstance(node, exp.UniqueColumnConstraint):
            inside = node.this
            columns = _names(inside.expressions) if isinstance(inside, exp.Schema) else ()
            own = (
                inside.this.name.lower() if isinstance(inside, exp.Schema) and inside.this is not None else ""
            )
            if columns:
                title = name or own or f"{table.name}_{'_'.join(columns)}_key"
                table.unique[title] = columns
                self._indexes[title] = table.name

    def _create_index(self, node: "exp.Create") -> None:
        index = node.this
        target = index.args.get("table")
        if not node.args.get("unique") or target is None:
            return
        parameters = index.args.get("params")
        columns = _names(parameters.args.get("columns") or []) if parameters is not None else ()
        if not columns:
            return
        table = self._of(target.name)
        if parameters is not None and parameters.args.get("where") is not None:
            self.partial.add(table.name)
        table.unique[index.name.lower()] = columns
        self._indexes[index.name.lower()] = table.name

    def _drop_unique(self, table: str, name: str) -> None:
        for one in self.tables.values():
            if not table or one.name == table:
                one.unique.pop(name, None)

    def _alter(self, node: "exp.Alter") -> None:
        from sqlglot import exp

        table = self._of(node.this.name)
        for action in node.args.get("actions") or []:
            if isinstance(action, exp.AddConstraint):
                for one in action.expressions:
                    self._constraint(table, one, "")
            elif isinstance(action, exp.ColumnDef):
                self._create_table(exp.Schema(this=node.this, expressions=[action]))
            elif isinstance(action, exp.Drop):
                for one in action.args.get("tables") or [action.this]:
                    self._dropped(table, one.name.lower() if one is not None else "", action)
            elif isinstance(action, exp.AlterRename):
                self.tables.pop(table.name, None)
                table.name = action.this.name.lower()
                self.tables[table.name] = table
            elif isinstance(action, exp.RenameColumn):
                old, new = action.this.name.lower(), action.args["to"].name.lower()
                table.columns.pop(old, None)
                table.columns[new] = None
                table.primary = tuple(new if one == old else one for one in table.primary)
                for name, columns in table.unique.items():
                    table.unique[name] = tuple(new if one == old else one for one in columns)

    def _dropped(self, table: Table, name: str, action: "exp.Drop") -> None:
        if str(action.args.get("kind") or "").upper() == "COLUMN":
            table.columns.pop(name, None)
            for constraint, columns in list(table.unique.items()):
                if name in columns:
                    del table.unique[constraint]
        else:
            table.unique.pop(name, None)


def _names(nodes: "Iterable[exp.Expression]") -> tuple[str, ...]:
    """Column names of an index; an expression in it counts as the column it is made of."""
    from sqlglot import exp

    found: list[str] = []
    for one in nodes:
        if isinstance(one, exp.Identifier):
            found.append(one.name.lower())
            continue
        column = one.find(exp.Column) or one.find(exp.Identifier)
        if column is not None:
            found.append(column.name.lower())
    return tuple(found)


def _split(text: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for match in _STATEMENT.finditer(text):
        if match.group(0) == ";":
            parts.append(text[start : match.start()])
            start = match.end()
    parts.append(text[start:])
    # A leading comment hides what the statement is.
    return [re.sub(r"^(\s*(--[^\n]*\n|/\*.*?\*/))+", "", part, flags=re.DOTALL) for part in parts]


def _is_mysql(statement: str) -> bool:
    upper = statement.upper()
    return "`" in upper or any(
        word in upper for word in ("UNIQUE KEY", "UNIQUE INDEX", "AUTO_INCREMENT", "UNSIGNED", "ENGINE=")
    )


def _is_downward(path: str) -> bool:
    name = path.rsplit("/", 1)[-1].lower()
    return name.startswith(("down", "revert", "rollback")) or name.endswith((".down.sql", "_down.sql"))
