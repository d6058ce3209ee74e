"""What happens to a local value when its fields are assigned or it is passed as `&mut`.

Owns two facts that a loaded row needs: which of its fields were assigned since (a dependence on
the load with the part `=field`), and that a local changed in a branch depends on what
decided the branch. It must not know databases beyond asking whether an event is a statement.
"""

from functools import lru_cache

from tree_sitter import Node

from deadheat.rust.ir import NO_DEPS, Deps, Value
from deadheat.rust.items import Function
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.syntax import field_text, significant, text_of


def assigned(low: Lowering, target: Node, deps: Deps, *, updates: bool = False) -> None:
    """`row.used = …` on a local: the field is no longer as it was loaded; of `+=` it is part of the value."""
    path: list[str] = []
    root: Node | None = target
    while root is not None and root.type in (
        "field_expression", "index_expression", "unary_expression", "parenthesized_expression",
    ):  # fmt: skip
        if root.type == "field_expression":
            path.append(field_text(root, "field"))
        root = next(significant(root), None)
    if root is None or root.type != "identifier":
        return
    name = text_of(root)
    edits = marks(low, name, (path[-1],)) if path else NO_DEPS
    before = frozenset((event, part.lstrip("=")) for event, part in edits) if updates else NO_DEPS
    low.flow_into(name, deps | edits | before)


def marks(low: Lowering, name: str, fields: tuple[str, ...]) -> Deps:
    """`=field` on every load that the variable comes from."""
    binding = low.lookup(name)
    if binding is None:
        return NO_DEPS
    return frozenset(
        (event, f"={field}")
        for event, part in binding.value.deps
        if "=" not in part and not part.strip("?.") and (event < 0 or low.events[event].query is not None)
        for field in fields
    )


def passed(low: Lowering, node: Node, function: Function, given: list[tuple[Node, Value]]) -> None:
    """A call of one of ours may change what it gets as `&mut`: fields, and whatever flows in."""
    names = [text_of(one.child_by_field_name("pattern") or one) for one in function.parameters()]
    if function.receiver:
        names.insert(0, "self")
    for index, ((one, value), parameter) in enumerate(zip(given, names, strict=False)):
        target = _mutable(one, node if index == 0 and function.receiver == "&mut self" else None)
        if target is None or value.place is not None or low.lookup(target) is None:
            continue
        flows: Deps = frozenset().union(*(v.deps for number, (_, v) in enumerate(given) if number != index))
        fields = fields_assigned(function, parameter)
        if not flows and not fields and index:
            continue
        low.flow_into(target, flows | marks(low, target, fields))


def _mutable(argument: Node, call: Node | None) -> str | None:
    """The local that an argument lends out mutably."""
    node: Node | None = argument
    if call is not None:
        callee = call.child_by_field_name("function")
        node = callee.child_by_field_name("value") if callee is not None else None
    elif argument.type == "reference_expression":
        if not any(child.type == "mutable_specifier" for child in argument.named_children):
            return None
        node = argument.child_by_field_name("value")
    else:
        return None
    return text_of(node) if node is not None and node.type == "identifier" else None


@lru_cache(maxsize=20_000)
def fields_assigned(function: Function, parameter: str) -> tuple[str, ...]:
    """The fields of a parameter that the function's own body assigns."""
    found: dict[str, None] = {}
    pending = [function.body] if function.body is not None else []
    while pending:
        node = pending.pop()
        if node.type in ("assignment_expression", "compound_assignment_expr"):
            left = node.child_by_field_name("left")
            inner = (
                left.child_by_field_name("value")
                if left is not None and left.type == "field_expression"
                else None
            )
            if left is not None and inner is not None and text_of(inner) == parameter:
                found[field_text(left, "field")] = None
        pending += node.named_children
    return tuple(found)
