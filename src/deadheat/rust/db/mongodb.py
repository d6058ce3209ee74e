"""MongoDB: collections and documents.

Owns filters and updates written as `doc! { … }`, and which operations the server makes in one step
(`$inc`, `$addToSet`, `find_one_and_update`, an update whose filter states what was checked).
"""

import re

from msgspec.structs import replace
from tree_sitter import Node

from deadheat.rust.db.access import arguments, execute, literal, turbofish
from deadheat.rust.db.declared import snake
from deadheat.rust.db.query import DOCUMENT, Condition, Op, Query
from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import evaluate, value_of
from deadheat.rust.syntax import significant, text_of
from deadheat.rust.types import Type, argument, peel

READS = {
    "find_one": "",
    "find": "",
    "count_documents": "count",
    "estimated_document_count": "count",
    "distinct": "",
}
WRITES = {
    "insert_one": Op.INSERT, "insert_many": Op.INSERT, "update_one": Op.UPDATE, "update_many": Op.UPDATE,
    "replace_one": Op.UPDATE, "delete_one": Op.DELETE, "delete_many": Op.DELETE,
    "find_one_and_update": Op.UPDATE, "find_one_and_delete": Op.DELETE, "find_one_and_replace": Op.UPDATE,
}  # fmt: skip
_PLAIN = ("Document", "RawDocumentBuf", "Bson", "Value")  # a row of these says nothing of its table
# `"name": value`, and `name: value`, whose name is a variable's
_PAIR = re.compile(r"(?:\"([$\w.]+)\"|(?<=[{,])\s*([a-z_]\w*))\s*:(?!:)\s*(\{|[^,{}]+)")
_RELATIVE = ("$inc", "$addToSet", "$push", "$pull", "$pop", "$mul", "$min", "$max", "$bit", "$currentDate")


def collection(low: Lowering, node: Node, name: str) -> Value | None:
    """`db.collection::<Coupon>("coupons")`."""
    if name not in ("collection", "collection_with_options"):
        return None
    listed = arguments(node)
    title = literal(low, listed[0] if listed else None) or _given(low, listed)
    row = turbofish(low, node)
    table = title or (snake(row.short) if row is not None else "")
    if not table:
        return None
    return Value(Type("mongodb::Collection", (row,)), query=Query(Op.TABLE, table, DOCUMENT))


def _given(low: Lowering, listed: list[Node]) -> str | None:
    """The parameter that says which collection it is; the caller fills it in."""
    binding = low.lookup(text_of(listed[0])) if listed and listed[0].type == "identifier" else None
    key = binding.value.key if binding is not None else None
    return key if key is not None and key.startswith("§") else None


def _table(low: Lowering, receiver: Value, row: Type | None) -> str:
    """The collection of a kind of row; of plain documents, that of its owner, or what it is called."""
    if row is None or row.short not in _PLAIN:
        return snake(row.short) if row is not None else ""
    if low.self_type is not None:
        return snake(low.self_type.short)
    path = receiver.place.path if receiver.place is not None else ()
    return path[-1] if path and path[-1].isidentifier() else snake(row.short)


def method(low: Lowering, node: Node, receiver: Value, name: str) -> Value | None:
    """A method of a collection."""
    declared = peel(receiver.type)
    if declared is None or declared.short != "Collection" or (name not in READS and name not in WRITES):
        return None
    row = argument(declared)
    table = receiver.query.table if receiver.query is not None else _table(low, receiver, row)
    if not table:
        return None
    listed = arguments(node)
    values = [value_of(low, one) for one in listed]
    selects: Deps = NO_DEPS
    deps: Deps = NO_DEPS
    if name.startswith("insert"):
        deps = values[0].deps if values else NO_DEPS
        columns = tuple(low.types.fields(values[0].type)) if values else ()
        query = Query(Op.INSERT, table, DOCUMENT, columns=columns, many=name == "insert_many")
        return execute(low, node, query, deps, NO_DEPS, [], Type("Result", (None,)), f"{table}.{name}")
    where, opaque = _filter(low, listed[0], values[0]) if listed else ((), True)
    selects = values[0].deps if values else NO_DEPS
    if name in READS:
        query = Query(Op.SELECT, table, DOCUMENT, where=where, opaque=opaque, aggregate=READS[name])
        result = Type("Result", (Type("Option", (row,)),)) if name == "find_one" else Type("Result", (None,))
        return execute(low, node, query, NO_DEPS, selects, [], result, f"{table}.{name}")
    query = Query(
        WRITES[name], table, DOCUMENT, where=where, opaque=opaque, returning=name.startswith("find_one")
    )
    if len(values) > 1 and query.op is Op.UPDATE:
        deps = values[1].deps
        query = _update(low, query, listed[1], values[1], name)
    if any(b"upsert" in (one.text or b"") for one in listed[2:]) or b".upsert(true)" in _chain(node):
        query = replace(query, conflict="update")
    result = Type("Result", (Type("Option", (row,)) if query.returning else None,))
    return execute(low, node, query, deps, selects, [], result, f"{table}.{name}")


def _chain(node: Node) -> bytes:
    """The text of the builder calls that follow (`.upsert(true)`)."""
    outer = node
    for _ in range(4):
        if outer.parent is None or outer.parent.type not in (
            "call_expression",
            "field_expression",
            "await_expression",
        ):
            break
        outer = outer.parent
    return outer.text or b""


def _doc(low: Lowering, node: Node) -> str | None:
    while node.type == "reference_expression":
        inner = node.child_by_field_name("value")
        if inner is None:
            return None
        node = inner
    text = text_of(node)
    return text if "doc!" in text[:20] else None


def document(low: Lowering, node: Node, made: Value) -> Value:
    """`doc! { … }` as a value: it carries what it says, wherever it is handed on."""
    text = text_of(node)
    where, opaque = _said(low, text)
    changes = _changes(Query(Op.TABLE, "", DOCUMENT, where=where, opaque=opaque), text)
    return replace(made, query=changes)


def _filter(low: Lowering, node: Node, value: Value) -> tuple[tuple[Condition, ...], bool]:
    text = _doc(low, node)
    if text is None:
        said = value.query
        return (said.where, said.opaque) if said is not None and said.store == DOCUMENT else ((), True)
    return _said(low, text)


def _said(low: Lowering, text: str) -> tuple[tuple[Condition, ...], bool]:
    """The equalities that a document states as a filter, and whether there is more to it."""
    found: list[Condition] = []
    unknown = False
    for quoted, variable, value in _PAIR.findall(text):
        written = quoted or _named(low, variable)
        if not written:
            unknown = True
            continue
        key = written if written.startswith("§") else _field(written)
        if key.startswith("$"):
            if found and found[-1].operator == "~":
                found[-1] = Condition(found[-1].column, _COMPARE.get(key, "~"))
            continue
        plain = value.strip()
        if plain.count(")") > plain.count("("):  # `doc!("key": key)` ends here
            plain = plain.removesuffix(")")
        if plain == "{":
            found.append(Condition(key, "~"))
        else:
            for noise in (".clone()", ".to_string()", ".as_str()"):
                plain = plain.replace(noise, "")
            name = plain.strip().lstrip("&*")
            binding = low.lookup(name)
            found.append(Condition(key, "=", (binding.value.key if binding is not None else None) or name))
    return tuple(found), "$or" in text or not found or unknown


def _named(low: Lowering, variable: str) -> str:
    """The field that a variable names: a text, or a parameter that the caller fills in."""
    binding = low.lookup(variable)
    key = (binding.value.key if binding is not None else None) or ""
    return key.strip('"') if key[:1] in ('"', "§") else ""


_COMPARE = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">=", "$ne": "<>", "$eq": "=", "$in": "in"}


def _update(low: Lowering, query: Query, node: Node, value: Value, name: str) -> Query:
    text = _doc(low, node)
    said = value.query
    if (
        text is None
        and "replace" not in name
        and said is not None
        and said.store == DOCUMENT
        and said.columns
    ):
        return replace(query, columns=said.columns, relative=said.relative)
    if text is None or "replace" in name:
        fields = tuple(low.types.fields(peel(value.type)))
        return replace(query, columns=fields, whole=True)
    return _changes(query, text)


def _field(key: str) -> str:
    """The field of a struct that a document's key is, as serde's `rename_all = "camelCase"` has it."""
    return key if key.startswith(("$", "_")) or "." in key else snake(key)


def _changes(query: Query, text: str) -> Query:
    """The fields that a document changes as an update, and which of them from themselves."""
    columns: list[str] = []
    relative: list[str] = []
    operator = ""
    for key, _, _ in _PAIR.findall(text):
        if key.startswith("$"):
            operator = key
        elif operator:
            columns.append(_field(key))
            if operator in _RELATIVE:
                relative.append(_field(key))
    return replace(query, columns=tuple(columns), relative=tuple(relative))


__all__ = ["collection", "document", "evaluate", "method", "significant"]
