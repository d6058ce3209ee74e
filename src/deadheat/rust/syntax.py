"""Rust text to syntax trees, and byte offsets to places a person can find.

Owns the parser and the arithmetic of positions. It must not know what any node means.
tree-sitter's Rust grammar accepts broken text: what does not parse becomes ERROR nodes, and
everything around them is still read.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Point, Range, Tree

from deadheat.model import Span

LANGUAGE = Language(tree_sitter_rust.language())
_PARSER = Parser(LANGUAGE)
_PARTLY = Parser(LANGUAGE)
_NOWHERE = Point(0, 0)  # rows and columns are not asked for: all places are byte offsets


def parse(text: bytes) -> Tree:
    """The syntax tree of `text`; never fails, however broken the text is."""
    return _PARSER.parse(text)


Extent = tuple[int, int]
"""A byte range."""


class SourceFile:
    """One file: its text, its tree, and where its lines start."""

    def __init__(self, path: str, text: bytes, hollow: tuple[Extent, ...] = ()) -> None:
        """`path` is what spans will say; `hollow` are blocks, in order, that `tree` may leave empty.

        Nothing is parsed before it is asked for, and nobody asks for most bodies of a file that is
        read again: without them it is parsed in a third of the time.
        """
        self.path = path
        self.text = text
        self.hollow = frozenset(hollow)
        self._starts: list[int] | None = None
        self._ascii = text.isascii()
        self._spans: dict[tuple[int, int], Span] = {}

    @cached_property
    def tree(self) -> Tree:
        """The syntax, what is in hollow blocks left out; all offsets are those of the text."""
        return _parse_around(self.text, sorted(self.hollow)) if self.hollow else self.full

    @cached_property
    def full(self) -> Tree:
        """The syntax of all of it."""
        return parse(self.text)

    def filled(self, block: Node) -> Node:
        """A block of `tree` with what is in it."""
        first, last = block.start_byte, block.end_byte
        if (first, last) not in self.hollow:
            return block
        node = _at(self.full, block.type, first, last)
        return node if node is not None else block

    def at(self, kind: str, first: int, last: int) -> Node | None:
        """The node of a kind in `tree` that begins and ends there."""
        return _at(self.tree, kind, first, last)

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return self.text.count(b"\n") + (not self.text.endswith(b"\n") and bool(self.text))

    def line(self, offset: int) -> int:
        """The 1-based line of a byte offset."""
        return bisect_right(self._line_starts(), offset)

    def span(self, start: int, end: int) -> Span:
        """The place of a byte range; columns count characters, not bytes."""
        known = self._spans.get((start, end))
        if known is None:
            known = self._spans[(start, end)] = self._span(start, end)
        return known

    def _span(self, start: int, end: int) -> Span:
        starts = self._line_starts()
        first, last = bisect_right(starts, start), bisect_right(starts, end)
        return Span(
            self.path,
            first,
            self._column(starts[first - 1], start),
            last,
            self._column(starts[last - 1], end),
        )

    def _column(self, line_start: int, offset: int) -> int:
        if self._ascii:
            return offset - line_start + 1
        return len(self.text[line_start:offset].decode("utf-8", "replace")) + 1

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            lengths = [len(line) + 1 for line in self.text.split(b"\n")]
            self._starts = list(accumulate(lengths[:-1], initial=0))
        return self._starts

    def broken_share(self) -> float:
        """Share of the file's bytes that lie in text the grammar could not make sense of."""
        if self.hollow:
            return 0.0  # of what is broken no body is left out
        root = self.tree.root_node
        if not root.has_error or not self.text:
            return 0.0
        lost = 0
        pending = [root]
        while pending:
            node = pending.pop()
            if node.type == "ERROR":
                # An ERROR that still holds whole functions has lost only its seams.
                kept = sum(
                    child.end_byte - child.start_byte
                    for child in node.named_children
                    if child.type in ("function_item", "struct_item", "impl_item")
                )
                lost += node.end_byte - node.start_byte - kept
            elif node.has_error:
                pending.extend(node.named_children)
        return lost / len(self.text)


def _at(tree: Tree, kind: str, first: int, last: int) -> Node | None:
    node = tree.root_node.descendant_for_byte_range(first, last)
    while node is not None and (node.type, node.start_byte, node.end_byte) != (kind, first, last):
        node = node.parent
    return node


def _parse_around(text: bytes, blocks: list[Extent]) -> Tree:
    """The tree of the text as if nothing were between the braces of some blocks."""
    ranges: list[Range] = []
    at = 0
    for first, last in blocks:
        ranges.append(Range(_NOWHERE, _NOWHERE, at, first + 1))
        at = last - 1
    ranges.append(Range(_NOWHERE, _NOWHERE, at, len(text)))
    _PARTLY.included_ranges = ranges
    return _PARTLY.parse(text)


def text_of(node: Node) -> str:
    """The source text of a node."""
    content = node.text
    if content is None:
        return ""
    try:
        return content.decode()  # without arguments it takes half the time
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


def field_text(node: Node, name: str) -> str:
    """The text of a named field, empty when the field is absent."""
    child = node.child_by_field_name(name)
    return text_of(child) if child is not None else ""


def string_value(node: Node) -> str:
    """What is between the quotes of a string literal (escapes as written)."""
    for child in node.named_children:
        if child.type == "string_content":
            return text_of(child)
    return ""


def significant(node: Node) -> Iterator[Node]:
    """The named children that are not comments or attributes."""
    for child in node.named_children:
        if child.type not in _TRIVIA:
            yield child


_TRIVIA = frozenset({"line_comment", "block_comment", "attribute_item", "inner_attribute_item"})
