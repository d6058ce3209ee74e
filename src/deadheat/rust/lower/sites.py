"""Places where a request can be held.

Owns the description of one call expression for the probes: byte ranges, and whether its receiver
may be evaluated twice. Which state it touches is said later, when all places are known.
"""

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
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
    in_transaction: bool = False
    perhaps: bool = False  # in a transaction, if whoever calls has begun one


def note_site(
    low: "Lowering",
    node: Node,
    kind: SiteKind,
    operation: str,
    effect: AccessKind,
    place: Place | None,
    *,
    wide: bool = False,
    writer: bool = False,
    domain: str = "",
    in_transaction: bool = False,
    perhaps: bool = False,
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
        wide=wide,
        writer=writer,
        inside=in_transaction,
        domain=domain,
    )
    declared = None
    if place is not None and place.root.startswith("P:"):
        declared = low.parameter_types[int(place.root[2:])]
    low.sites.append(FoundSite(found, place, low.function.path, declared, in_transaction, perhaps))


def merge_last(low: "Lowering", before: int) -> None:
    """What was noted as site number `before` is one step with the one ahead of it, if it is one call."""
    if not 0 < before < len(low.sites):
        return
    one, other = low.sites[before - 1], low.sites[before]
    if (one.site.file, one.site.call) != (other.site.file, other.site.call):
        return
    reads = one.site.effect is AccessKind.READ and other.site.effect is AccessKind.READ
    both = replace(
        one.site,
        effect=AccessKind.READ if reads else AccessKind.WRITE,
        wide=one.site.wide or other.site.wide or (one.place != other.place and not one.site.domain),
        writer=one.site.writer or other.site.writer,
    )
    low.sites[before - 1 :] = [replace(one, site=both)]


_VALUES = frozenset(
    {
        "identifier",
        "scoped_identifier",
        "field_expression",
        "index_expression",
        "unary_expression",
        "unsafe_block",
        "parenthesized_expression",
    }
)
# Here the expression is a place, not its value: a probe around it would move it.
_OF_A_PLACE = frozenset(
    {"reference_expression", "field_expression", "index_expression", "unary_expression", "call_expression"}
)


def note_plain(low: "Lowering", node: Node, place: Place, assigned: Node | None = None) -> None:
    """Note a plain expression that reads what nothing synchronises, or assigns it the value `assigned`."""
    parent = node.parent
    if not low.sites_allowed or low.pinned is not None or not low.is_bare(place):
        return
    if assigned is None and (node.type not in _VALUES or parent is None or parent.type in _OF_A_PLACE):
        return
    shift = low.shift
    start, end = node.start_byte + shift, node.end_byte + shift
    values = () if assigned is None else ((assigned.start_byte + shift, assigned.end_byte + shift),)
    found = Site(
        low.file.path,
        low.function.path,
        SiteKind.CALL,
        low.file.span(start, end),
        (start, end),
        None,
        values,
        "read" if assigned is None else "=",
        "a plain read" if assigned is None else "an assignment",
        AccessKind.READ if assigned is None else AccessKind.WRITE,
        nested_calls=True,  # the step comes when the value is there
    )
    low.sites.append(FoundSite(found, place, low.function.path))


_PLACES = frozenset({"identifier", "self", "scoped_identifier"})
# Calls that only borrow, so that calling twice changes nothing: `State::inner`, `AsRef`, `Deref`.
_BORROWS = frozenset({b"inner", b"as_ref", b"deref"})


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
        elif node.type == "call_expression":
            inner = _borrowed(node)
        else:
            return False
        if inner is None:
            return False
        node = inner


def _borrowed(call: Node) -> Node | None:
    """The receiver of a call that only borrows from it."""
    callee, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if callee is None or callee.type != "field_expression" or arguments is None or arguments.named_children:
        return None
    method = callee.child_by_field_name("field")
    borrows = method is not None and method.text in _BORROWS
    return callee.child_by_field_name("value") if borrows else None


def _has_call(node: Node) -> bool:
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type in ("call_expression", "macro_invocation", "await_expression"):
            return True
        pending += current.named_children
    return False
