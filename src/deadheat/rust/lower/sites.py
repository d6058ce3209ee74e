"""Places where a request can be held.

Owns the description of one call expression for the probes: byte ranges, and whether its receiver
may be evaluated twice. Which state it touches is said later, when all places are known.
"""

from typing import TYPE_CHECKING

from msgspec import Struct
from tree_sitter import Node

from deadheat.model import AccessKind, Site, SiteKind
from deadheat.rust.ir import Place
from deadheat.rust.types import Type

if TYPE_CHECKING:
    from deadheat.rust.lower.builder import Lowering


class FoundSite(Struct, frozen=True, array_like=True):
    """A site whose state still has to be named: `place` is as the function sees it."""

    site: Site
    place: Place | None
    function: str
    parameter_type: Type | None = None


def note_site(
    low: "Lowering",
    node: Node,
    kind: SiteKind,
    operation: str,
    effect: AccessKind,
    place: Place | None,
) -> None:
    """Note a place where a request can be held."""
    if not low.sites_allowed:
        return
    where, arguments = low.where(node), node.child_by_field_name("arguments")
    callee = node.child_by_field_name("function")
    if callee is not None and callee.type == "generic_function":
        callee = callee.child_by_field_name("function")
    is_method = callee is not None and callee.type == "field_expression"
    receiver = callee.child_by_field_name("value") if is_method and callee is not None else None
    simple = receiver is not None and _is_place(receiver)
    rooted = simple and place is not None and place.root[0] in "SGTP" and not place.state.is_content
    listed = [] if arguments is None else [n for n in arguments.named_children if "comment" not in n.type]
    found = Site(
        low.file.path,
        low.function.path,
        kind,
        low.file.span(where.start, where.end),
        (where.start, where.end),
        None if receiver is None else (receiver.start_byte + low.shift, receiver.end_byte + low.shift),
        tuple((n.start_byte + low.shift, n.end_byte + low.shift) for n in listed),
        operation.rsplit("::", 1)[-1],
        operation,
        effect,
        None,
        simple,
        rooted,
        any(_has_call(argument) for argument in listed),
    )
    declared = None
    if place is not None and place.root.startswith("P:"):
        declared = low.parameter_types[int(place.root[2:])]
    low.sites.append(FoundSite(found, place, low.function.path, declared))


_PLACES = frozenset({"identifier", "self", "scoped_identifier"})


def _is_place(node: Node) -> bool:
    while True:
        if node.type in _PLACES:
            return True
        if node.type == "field_expression":
            inner = node.child_by_field_name("value")
        elif (
            node.type == "unary_expression" and (node.text or b"").startswith(b"*")
        ) or node.type == "parenthesized_expression":
            inner = next(iter(node.named_children), None)
        else:
            return False
        if inner is None:
            return False
        node = inner


def _has_call(node: Node) -> bool:
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type in ("call_expression", "macro_invocation", "await_expression"):
            return True
        pending += current.named_children
    return False
