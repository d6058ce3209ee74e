"""A syntax node that is not there yet: where it stands, and what is asked of it most.

Owns that postponement. Of a file that is read again most declarations are only looked at by name: their
syntax is found, and the file parsed for it, when somebody wants to see inside. It must not know what any
node means.
"""

from collections.abc import Mapping
from typing import cast

from tree_sitter import Node

from deadheat.rust.syntax import SourceFile


class StandIn:
    """Takes the part of the node of this kind at this place, and sends for it when that is not enough."""

    __slots__ = ("_file", "_found", "_known", "end_byte", "start_byte", "type")

    def __init__(
        self, file: SourceFile, kind: str, start: int, end: int, known: "Mapping[str, Node | None] | None"
    ) -> None:
        """`known` are children by field, and `parent`, that are answered without looking."""
        self._file = file
        self._found: Node | None = None
        self._known = known
        self.type = kind
        self.start_byte = start
        self.end_byte = end

    @property
    def text(self) -> bytes:
        """What is written there."""
        return self._file.text[self.start_byte : self.end_byte]

    @property
    def parent(self) -> Node | None:
        """The node around it."""
        if self._known is not None and "parent" in self._known:
            return self._known["parent"]
        return self.real.parent

    def child_by_field_name(self, name: str) -> Node | None:
        """A child, as tree-sitter gives it."""
        if self._known is not None and name in self._known:
            return self._known[name]
        return self.real.child_by_field_name(name)

    @property
    def real(self) -> Node:
        """The node itself."""
        found = self._found
        if found is None:
            found = self._file.at(self.type, self.start_byte, self.end_byte)
            if found is None:
                raise LookupError(f"{self._file.path}: no {self.type} at {self.start_byte}")
            self._found = found
        return found

    def __getattr__(self, name: str) -> object:
        """Whatever else a node tells."""
        return getattr(self.real, name)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same node."""
        return self.real == (other.real if isinstance(other, StandIn) else other)

    def __hash__(self) -> int:
        """The node's."""
        return hash(self.real)


def stand_in(
    file: SourceFile, kind: str, start: int, end: int, known: "Mapping[str, Node | None] | None" = None
) -> Node:
    """A node of `file` that is looked up when it is needed."""
    return cast("Node", StandIn(file, kind, start, end, known))


__all__ = ["stand_in"]
