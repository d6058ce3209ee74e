"""A file parsed without the insides of its bodies declares what the whole file declares."""

from pathlib import Path

import msgspec
import pytest
from tree_sitter import Node

from deadheat.io.source import load
from deadheat.rust import SourceTree, read
from deadheat.rust.kept import Earlier, packed
from deadheat.rust.lazy import Lazy
from deadheat.rust.syntax import SourceFile
from tests.rust.test_kept import FILES, tree

LAB = Path(__file__).parents[2] / "lab" / "rocket"


def shape(node: Node, left_out: frozenset[tuple[int, int]]) -> object:
    """Kinds and places of all nodes but those inside some blocks."""
    place = (node.start_byte, node.end_byte)
    inside = [] if place in left_out else [shape(child, left_out) for child in node.named_children]
    return (node.type, *place, inside)


def hollow(source: SourceTree) -> list[SourceFile]:
    """The files as they are read again."""
    return list(Earlier(source.files, packed(read(source).keep())).files.values())


@pytest.mark.parametrize(
    "source", [tree(FILES), *(load(LAB / name) for name in ("coupons", "sessions", "receipt"))]
)
def test_only_the_insides_of_bodies_are_missing(source: SourceTree) -> None:
    files = hollow(source)
    assert any(file.hollow for file in files)
    for file in files:
        assert shape(file.tree.root_node, file.hollow) == shape(file.full.root_node, file.hollow)


def test_what_is_missing_is_parsed_when_it_is_asked_for() -> None:
    for file in hollow(tree(FILES)):
        pending = [file.tree.root_node]
        while pending:
            node = pending.pop()
            pending += node.named_children
            if (node.start_byte, node.end_byte) in file.hollow and node.type == "block":
                filled = file.filled(node)
                assert filled.type == "block"
                assert filled.text == file.text[node.start_byte : node.end_byte]
                assert filled.named_children


def test_a_file_that_does_not_parse_is_read_whole() -> None:
    broken = tree(FILES | {"src/left.rs": FILES["src/left.rs"] + b"\nfn broken( {"})
    assert [file.path for file in hollow(broken) if not file.hollow] == ["src/left.rs"]


def test_values_are_decoded_when_they_are_asked_for_and_passed_on_as_they_are() -> None:
    asked: list[bytes] = []

    def decode(raw: msgspec.Raw) -> int:
        asked.append(bytes(raw))
        return msgspec.msgpack.decode(raw, type=int)

    encoded = {name: msgspec.Raw(msgspec.msgpack.encode(value)) for name, value in (("one", 1), ("two", 2))}
    lazy = Lazy[int](encoded, decode)
    assert lazy["one"] == 1 and lazy["one"] == 1 and lazy.get("three") is None  # noqa: PT018
    assert len(asked) == 1
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(lazy.only(["two", "one"]))) == {"two": 2, "one": 1}
    assert len(asked) == 1
    assert lazy.decoded() == {"one": 1, "two": 2}
