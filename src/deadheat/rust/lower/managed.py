"""Rocket's managed state, by type.

Owns the identity of a managed value and the calls that fetch one.
"""

from tree_sitter import Node

from deadheat.rust.ir import Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.syntax import significant
from deadheat.rust.types import Type, argument


def managed(low: Lowering, node: Node, method: str) -> Value | None:
    """`rocket.state::<T>()`, `request.guard::<&State<T>>()`: the managed value of that type."""
    if method not in ("state", "guard"):
        return None
    callee = node.child_by_field_name("function")
    written = callee.child_by_field_name("type_arguments") if callee is not None else None
    inner = next(significant(written), None) if written is not None else None
    declared = low.types.read(inner, low.module, low.self_type)
    if declared is None:
        return None
    if method == "guard":
        if declared.short != "State":
            return _guarded(low, node, declared)
        declared = argument(declared)
        if declared is None:
            return None
    return Value(Type("Option", (declared,)), Place(f"S:{state_key(declared)}"))


def _guarded(low: Lowering, node: Node, declared: Type) -> Value:
    """`request.guard::<User>()`: that guard runs here."""
    block = low.types.implements.get((declared.name, "FromRequest"))
    for function in block.functions if block is not None else ():
        if function.name == "from_request":
            from deadheat.rust.lower.calls import call_function

            value = call_function(low, node, function, [(node, Value())])
            return Value(Type("Option", (declared,)), deps=value.deps)
    return Value(Type("Option", (declared,)))


def state_key(declared: Type) -> str:
    """The identity of a managed value: its whole type, because Rocket keeps one value a type."""
    return _full(declared)


def _full(declared: Type | None) -> str:
    if declared is None:
        return "_"
    inner = ", ".join(_full(arg) for arg in declared.args)
    name = declared.name if "::" in declared.name and not _foreign(declared) else declared.short
    return f"{name}<{inner}>" if inner else name


def _foreign(declared: Type) -> bool:
    return declared.name.split("::")[0] in (
        "std",
        "core",
        "alloc",
        "rocket",
        "tokio",
        "parking_lot",
        "dashmap",
    )
