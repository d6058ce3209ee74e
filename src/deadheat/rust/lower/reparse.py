"""Token trees parsed again, with offsets that still lead to the file.

Owns the frames in which pieces of a macro's tokens are parsed: as arguments, as a block, as a
pattern. It must not know any macro.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tree_sitter import Node

from deadheat.rust.lower.builder import Lowering
from deadheat.rust.syntax import parse, significant

_ARGUMENTS = b"fn f(){m("
_BLOCK = b"fn f()"


@contextmanager
def arguments_at(low: Lowering, start: int, content: bytes) -> Iterator[list[Node]]:
    """`content`, which stands at `start` (of what `low.shift` counts from), as call arguments."""
    call = first(parse(_ARGUMENTS + content + b");}").root_node, "arguments") if content.strip() else None
    shift = low.shift
    low.shift = shift + start - len(_ARGUMENTS)
    try:
        yield list(significant(call)) if call is not None else []
    finally:
        low.shift = shift


@contextmanager
def block_at(low: Lowering, start: int, content: bytes) -> Iterator[Node | None]:
    """`content`, braces included, as a block; None when nothing of it can be read."""
    body = first(parse(_BLOCK + content).root_node, "block")
    if body is not None and body.has_error and not body.named_children:
        body = None
    shift = low.shift
    low.shift = shift + start - len(_BLOCK)
    try:
        yield body
    finally:
        low.shift = shift


def pattern_of(content: bytes) -> Node | None:
    """`content` as the pattern of a `let`."""
    declaration = first(parse(b"fn f(){let " + content + b" = 0;}").root_node, "let_declaration")
    return declaration.child_by_field_name("pattern") if declaration is not None else None


def first(root: Node, kind: str) -> Node | None:
    """The first node of a kind, in text order, within the first few dozen nodes."""
    pending = [root]
    for _ in range(60):
        if not pending:
            return None
        node = pending.pop()
        if node.type == kind:
            return node
        pending += reversed(node.named_children)
    return None
