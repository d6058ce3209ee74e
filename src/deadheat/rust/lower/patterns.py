"""Patterns: names bound to the parts of a value.

Owns destructuring. The first name bound to an owned guard takes it; parts of a borrowed place
stay places.
"""

from tree_sitter import Node

from deadheat.rust.ir import Value
from deadheat.rust.items import segments
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import column_of, field_of, unwrap
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import argument


def is_existential(pattern: Node) -> bool:
    """Whether a pattern asks only if there is something (`Some(x)`, `None`, `Ok(_)`)."""
    if pattern.type == "identifier":
        return text_of(pattern) == "None" or text_of(pattern)[:1].islower()
    if pattern.type == "tuple_pattern":  # `match (one, other) { (Ok(_), Ok(_)) => …`
        return all(child.type == "_" or is_existential(child) for child in significant(pattern))
    if pattern.type != "tuple_struct_pattern":
        return False
    name = segments(pattern.child_by_field_name("type") or pattern)[-1]
    inner = list(significant(pattern))[1:]
    return name in ("Some", "Ok", "Err", "Success") and all(
        child.type in _PLAIN or (child.type == "tuple_struct_pattern" and is_existential(child))
        for child in inner
    )


_PLAIN = frozenset({"identifier", "mut_pattern", "ref_pattern", "tuple_pattern", "struct_pattern"})


def bind(low: Lowering, pattern: Node, value: Value) -> None:
    """Bind the names of a pattern to the parts of a value."""
    kind = pattern.type
    if kind == "identifier":
        name = text_of(pattern)
        if name[:1].isupper() and low.lookup(name) is None:
            return  # a constant or a unit variant
        low.declare(name, value)
    elif kind in (
        "mut_pattern",
        "ref_pattern",
        "reference_pattern",
        "match_pattern",
        "remaining_field_pattern",
    ):
        for child in pattern.named_children:
            if child.type != "mutable_specifier":
                bind(low, child, value)
                break
    elif kind in ("captured_pattern", "or_pattern"):
        for child in reversed(list(significant(pattern))):
            bind(low, child, value)
    elif kind == "tuple_pattern":
        _bind_tuple(low, pattern, value)
    elif kind == "tuple_struct_pattern":
        _bind_variant(low, pattern, value)
    elif kind == "struct_pattern":
        _bind_struct(low, pattern, value)
    elif kind == "slice_pattern":
        for child in significant(pattern):
            bind(low, child, Value(argument(value.type), value.place, value.guards, deps=value.deps))


def _bind_struct(low: Lowering, pattern: Node, value: Value) -> None:
    for child in significant(pattern):
        if child.type == "field_pattern":
            name = field_text(child, "name")
            inner = child.child_by_field_name("pattern")
            part = field_of(low, value, name)
            if inner is None:
                low.declare(name, part)
            else:
                bind(low, inner, part)


def _bind_tuple(low: Lowering, pattern: Node, value: Value) -> None:
    for index, child in enumerate(significant(pattern)):
        if index < len(value.parts):
            part = value.parts[index]
        else:
            deps = value.deps if value.place is not None else column_of(low, value.deps, index, plain=True)
            part = Value(argument(value.type, index), value.place, value.guards, deps=deps)
        bind(low, child, part)


def _bind_variant(low: Lowering, pattern: Node, value: Value) -> None:
    name = segments(pattern.child_by_field_name("type") or pattern)[-1]
    inner = list(significant(pattern))[1:]
    if name in ("Some", "Ok", "Success"):
        for child in inner:
            bind(low, child, unwrap(low, value))
    elif name in ("Err", "None"):
        poisoned = value.type is not None and value.type.short == "LockResult"
        for child in inner:
            if poisoned:  # a poisoned lock is held all the same
                bind(low, child, unwrap(low, value))
                continue
            bind(low, child, Value(argument(value.type, 1), deps=value.deps))
    else:
        for index, child in enumerate(inner):
            part = field_of(low, value, str(index)) if value.type is not None else value
            bind(low, child, Value(part.type, value.place, value.guards, deps=value.deps))
