"""What Rust code declares of tables: sea-orm's entities and migrations, MongoDB's indexes.

Owns the reading of builders (`Table::create()…`, `Index::create()…`, `IndexModel::builder()…`) as text:
a migration is a straight list of them, and nothing in it is decided at run time. A `down` is not read. It
must not know SQL or accesses. Names follow sea-orm's `DeriveIden`: `UserId::Table` is `user_id`.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_ENTITY = re.compile(rb"DeriveEntityModel")
_TABLE_NAME = re.compile(rb"table_name\s*=\s*\"(\w+)\"")
_MODEL = re.compile(rb"struct\s+Model\s*\{")
_FIELD = re.compile(rb"((?:#\[[^\]]*\]\s*)*)pub(?:\([^)]*\))?\s+(\w+)\s*:")
_UNIQUE_FIELD = re.compile(rb"[(,]\s*unique\s*[,)]")
_CREATE = re.compile(rb"\b(Table|Index)::create\s*\(\s*\)")
_DOWN = re.compile(rb"\bfn\s+down\b")
_STEP = re.compile(rb"\s*\.\s*(\w+)\s*\(")
_IDEN = re.compile(rb"(?:(\w+)\s*::\s*)(\w+)")
_COLLECTION = re.compile(rb"\bcollection(?:\s*::\s*<\s*([\w:]+)[^(]*>)?\s*\(\s*(?:\"(\w+)\")?")
_KEYS = re.compile(rb"(?:keys\s*\(\s*)?\b(?:doc|index)!\s*[({]+([^{}()]*)[)}]")
_NAME = re.compile(rb"\"([\w.]+)\"")
_FIELD_BEFORE = re.compile(rb"(\w+)\s*\.\s*$")
_REACH = 900  # bytes behind `create_index(` in which its model is written


class Declared(Struct):
    """One table: its primary key, the sets of columns that are unique, and whether that is all of them."""

    name: str
    columns: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    complete: bool = True


def declared(files: Mapping[str, bytes]) -> Iterator[Declared]:
    """The tables, entities before migrations, those in the order of their files."""
    for path in sorted(files):
        if _ENTITY.search(files[path]) is not None:
            yield from _entities(path, files[path])
    for path in sorted(files):
        text = files[path]
        if b"::create" in text:
            down = _DOWN.search(text)
            yield from _migration(text[: down.start()] if down is not None else text)
        if b"create_index" in text:
            yield from _indexes(text)


def snake(name: str) -> str:
    """`UserId` as `user_id`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def primary_key(model: bytes) -> tuple[str, ...]:
    """The fields of an entity's `struct Model` that are its primary key."""
    return tuple(name.decode() for marks, name in _FIELD.findall(model) if b"primary_key" in marks)


def _entities(path: str, text: bytes) -> Iterator[Declared]:
    for start in _MODEL.finditer(text):
        body = text[start.start() : text.find(b"}", start.end())]
        before = text[: start.start()]
        titles = _TABLE_NAME.findall(before[before.rfind(b"DeriveEntityModel") :])
        stem = path.rsplit("/", 1)[-1].removesuffix(".rs")
        fields = _FIELD.findall(body)
        yield Declared(
            titles[-1].decode() if titles else stem,
            tuple(name.decode() for _, name in fields),
            primary_key(body),
            tuple((name.decode(),) for marks, name in fields if _UNIQUE_FIELD.search(marks) is not None),
            complete=False,
        )


def _migration(text: bytes) -> Iterator[Declared]:
    inside = 0  # an index inside a table's builder is that table's
    for found in _CREATE.finditer(text):
        if found.start() < inside:
            continue
        steps, inside = _chain(text, found.end())
        target = next((_iden(given) for name, given in steps if name in ("table", "to")), None)
        if target is None:
            continue
        table = snake(target[0])
        if found[1] == b"Index":
            columns = _columns(steps)
            if columns and any(name == "unique" for name, _ in steps):
                yield Declared(table, columns, (), (columns,))
            continue
        yield _table(table, steps)


def _table(table: str, steps: list[tuple[str, bytes]]) -> Declared:
    columns: list[str] = []
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = []
    for name, given in steps:
        if name == "col":
            iden = _iden(given.replace(b"ColumnDef::new", b""))
            if iden is None:
                continue
            column = snake(iden[1])
            columns.append(column)
            if b"primary_key" in given or b"pk_" in given:
                primary = (column,)
            if b"unique_key" in given or b"_uniq(" in given:
                unique.append((column,))
        elif name in ("index", "primary_key"):
            inner = _CREATE.search(given)
            listed = _chain(given, inner.end())[0] if inner is not None else []
            together = _columns(listed)
            if name == "primary_key" or any(one in ("primary", "primary_key") for one, _ in listed):
                primary = together
            elif together and any(one == "unique" for one, _ in listed):
                unique.append(together)
    return Declared(table, tuple(columns), primary, tuple(unique))


def _columns(steps: list[tuple[str, bytes]]) -> tuple[str, ...]:
    named = [_iden(given) for name, given in steps if name == "col"]
    return tuple(snake(one[1]) for one in named if one is not None)


def _iden(text: bytes) -> tuple[str, str] | None:
    found = _IDEN.search(text)
    return (found[1].decode(), found[2].decode()) if found is not None else None


def _chain(text: bytes, at: int) -> tuple[list[tuple[str, bytes]], int]:
    """The calls `.a(…).b(…)` from a place on, and where they end."""
    steps: list[tuple[str, bytes]] = []
    while True:
        step = _STEP.match(text, at)
        if step is None:
            return steps, at
        end = _closing(text, step.end())
        steps.append((step[1].decode(), text[step.end() : end]))
        at = end + 1


def _closing(text: bytes, at: int) -> int:
    depth = 1
    for number in range(at, len(text)):
        depth += (text[number] == 40) - (text[number] == 41)  # ( and )
        if depth == 0:
            return number
    return len(text)


def _indexes(text: bytes) -> Iterator[Declared]:
    """`users.create_index(IndexModel::builder().keys(doc! { "email": 1 }).options(… unique(true) …))`."""
    for found in re.finditer(rb"\bcreate_index\s*\(", text):
        start = text.rfind(b"fn ", 0, found.start())
        before = text[max(start, 0) : found.start()]
        given = text[found.end() : _closing(text, found.end())][:_REACH]
        model = given if b"unique" in given else before[before.rfind(b"IndexModel") :]
        table = _collection(text, before)
        if table is None or b"unique" not in model or b"false" in model:
            continue
        keys = _KEYS.search(model) or _KEYS.search(given)
        columns = tuple(one.decode() for one in _NAME.findall(keys[1])) if keys is not None else ()
        if columns:
            yield Declared(table, columns, ("_id",), (columns,))


def _collection(text: bytes, before: bytes) -> str | None:
    """What the collection of an index is called: as it is asked for, or as its field is declared."""
    named = next(reversed(list(_COLLECTION.finditer(before))), None)
    if named is not None and named[2]:
        return named[2].decode()
    row = named[1] if named is not None else None
    field = _FIELD_BEFORE.search(before)
    if row is None and field is not None:
        kept = re.search(rb"\b" + field[1] + rb"\s*:\s*(?:\w+::)*Collection<\s*([\w:]+)\s*>", text)
        row = kept[1] if kept is not None else None
    return snake(row.decode().rsplit("::", 1)[-1]) if row else None


__all__ = ["Declared", "declared", "primary_key", "snake"]
