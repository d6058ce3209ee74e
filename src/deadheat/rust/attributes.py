"""What attributes say about a declaration: what `cfg_attr` adds, what is built, what is a test.

Owns the reading of `cfg` as far as it can be read without a build: features are taken to be on. It must
not know what is declared.
"""

from tree_sitter import Node

from deadheat.rust.syntax import parse, text_of


def conditional(attribute: Node) -> list[Node]:
    """The attributes that a `cfg_attr` adds; they are taken to be on."""
    tokens = attribute.child_by_field_name("arguments")
    if tokens is None or not (attribute.text or b"").startswith(b"cfg_attr"):
        return []
    comma = next((child for child in tokens.children if child.type == ","), None)
    if comma is None:
        return []
    content = (tokens.text or b"")[comma.end_byte - tokens.start_byte : -1].strip().rstrip(b",")
    root = parse(b"#[" + content.replace(b"\n", b" ") + b"] fn f() {}").root_node
    return [
        child
        for item in root.named_children
        if item.type == "attribute_item"
        for child in item.named_children
        if child.type == "attribute"
    ]


def unlikely(attributes: tuple[Node, ...]) -> int:
    """Of two declarations under different `cfg`, the one with fewer `not`s is the one that is built."""
    return sum(text.count("not(") for text in map(text_of, attributes) if text.startswith("cfg"))


def is_test(attributes: tuple[Node, ...]) -> bool:
    """Whether only tests see it."""
    for attribute in attributes:
        text = text_of(attribute).replace(" ", "")
        if text.startswith(("cfg(test", "cfg(all(test")):
            return True
        if text.split("(")[0] in ("test", "rocket::async_test", "async_test", "tokio::test", "bench"):
            return True
    return False
