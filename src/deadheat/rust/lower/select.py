"""`select!`: several futures race, the losers are dropped.

Owns tokio's (and futures') branch grammar: `pattern = future (, if condition)? => handler`. All
futures are begun; what they do may be cut off at any of their awaits (the events between
`cancellable` and `completed`), and one handler runs.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace
from tree_sitter import Node

from deadheat.model import SiteKind
from deadheat.rust import outside
from deadheat.rust.ir import NO_DEPS, NOTHING, Kind, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.control import block
from deadheat.rust.lower.expressions import value_of
from deadheat.rust.lower.outside import note
from deadheat.rust.lower.patterns import bind
from deadheat.rust.lower.reparse import arguments_at, block_at, pattern_of
from deadheat.rust.lower.sites import FoundSite


class _Arm(Struct):
    pattern: bytes
    future: tuple[int, int] | None  # byte range; None for `else`, `complete`, `default`
    handler: tuple[int, int]


def select(low: Lowering, node: Node, tokens: Node) -> Value:
    """Lower a `select!`."""
    arms = _arms(tokens)
    note(low, node, outside.CANCELLABLE, "select!")
    low.push_temporaries()
    first = len(low.sites)
    values = [_future(low, tokens, arm.future) for arm in arms]
    low.sites[first:] = _one_step(low.sites[first:])
    low.emit(Kind.AWAIT, node)
    note(low, node, outside.COMPLETED, "select!")

    def run(arm: _Arm, value: Value) -> Callable[[], Value]:
        def handler() -> Value:
            low.push_scope()
            pattern = pattern_of(arm.pattern) if arm.pattern else None
            if pattern is not None:
                bind(low, pattern, value)
            result = _handler(low, tokens, arm.handler)
            low.pop_scope(node)
            return result

        return handler

    result = low.fork([run(arm, value) for arm, value in zip(arms, values, strict=True)], NO_DEPS, node)
    low.pop_temporaries(node)
    return result


def _one_step(sites: list[FoundSite]) -> list[FoundSite]:
    """The futures are made, and then polled in any order: the last plain probe stands for all of them."""
    plain = [one for one in sites if one.site.kind is SiteKind.CALL]
    return [replace(one, site=replace(one.site, wide=True)) for one in sites if one not in plain[:-1]]


def _arms(tokens: Node) -> list[_Arm]:
    children = [child for child in tokens.children[1:-1] if "comment" not in child.type]
    found: list[_Arm] = []
    at = 0
    while at < len(children):
        arrow = next((i for i in range(at, len(children)) if children[i].type == "=>"), None)
        if arrow is None or arrow + 1 >= len(children):
            break
        head = children[at:arrow]
        while (head and head[0].type in (";", ",")) or (head and (head[0].text or b"") == b"biased"):
            head = head[1:]
        end = arrow + 1
        if not (children[end].text or b"").startswith(b"{"):
            while end + 1 < len(children) and children[end + 1].type != ",":
                end += 1
        handler = (children[arrow + 1].start_byte, children[end].end_byte)
        equals = next((i for i, child in enumerate(head) if child.type == "="), None)
        if equals is None:
            found.append(_Arm(b"", None, handler))
        else:
            future = head[equals + 1 :]
            condition = next((i for i, child in enumerate(future) if child.type == "if"), len(future))
            future = list(future[:condition])
            while future and future[-1].type == ",":
                future.pop()
            pattern = _text(tokens, head[0].start_byte, head[equals].start_byte)
            where = (future[0].start_byte, future[-1].end_byte) if future else None
            found.append(_Arm(pattern, where, handler))
        at = end + 1
    return found


def _text(tokens: Node, start: int, end: int) -> bytes:
    return (tokens.text or b"")[start - tokens.start_byte : end - tokens.start_byte]


def _future(low: Lowering, tokens: Node, where: tuple[int, int] | None) -> Value:
    if where is None:
        return NOTHING
    with arguments_at(low, where[0], _text(tokens, *where)) as nodes:
        return value_of(low, nodes[0]) if nodes else NOTHING


def _handler(low: Lowering, tokens: Node, where: tuple[int, int]) -> Value:
    text = _text(tokens, *where)
    if text.startswith(b"{"):
        with block_at(low, where[0], text) as body:
            return block(low, body) if body is not None else NOTHING
    # A bare expression, which may be a `return` or a `break`.
    with block_at(low, where[0] - 1, b"{" + text + b"}") as body:
        return block(low, body) if body is not None else NOTHING
