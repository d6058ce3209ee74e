"""What the head of a declaration says: fields, type parameters, how many arguments.

Owns that syntax. It must not know what a type means.
"""

from collections.abc import Iterator

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.syntax import field_text, significant, text_of


class Field(Struct, frozen=True):
    """A field of a struct: `name` is its index for a tuple struct."""

    name: str
    type: Node
    attributes: tuple[str, ...] = ()


def fields_of(body: Node) -> tuple[Field, ...]:
    """The fields that the body of a struct declares."""
    fields: list[Field] = []
    attributes: list[str] = []
    for child in body.named_children:
        if child.type == "attribute_item":
            attributes.append(text_of(child))
        elif child.type == "field_declaration":
            declared = child.child_by_field_name("type")
            if declared is not None:
                fields.append(Field(field_text(child, "name"), declared, tuple(attributes)))
            attributes = []
        elif body.type == "ordered_field_declaration_list" and child.type not in (
            "visibility_modifier", "line_comment", "block_comment",
        ):  # fmt: skip
            fields.append(Field(str(len(fields)), child, tuple(attributes)))
            attributes = []
    return tuple(fields)


def arity(signature: Node) -> int:
    """How many arguments a method that borrows its receiver takes; -1 for any other function."""
    listed = signature.child_by_field_name("parameters")
    nodes = list(significant(listed)) if listed is not None else []
    borrowed = bool(nodes) and nodes[0].type == "self_parameter" and (nodes[0].text or b"").startswith(b"&")
    return len(nodes) - 1 if borrowed and b"mut" not in (nodes[0].text or b"").split() else -1


def looks_and_puts(trait: Node) -> bool:
    """Whether a trait says `get(&self, key) -> Option` and `insert(&self, key, value)`, however named."""
    body = trait.child_by_field_name("body")
    signatures = {
        field_text(node, "name"): node
        for node in (body.named_children if body is not None else ())
        if node.type in ("function_signature_item", "function_item")
    }
    looks = [signatures[name] for name in ("get", "fetch", "read") if name in signatures]
    puts = [signatures[name] for name in ("insert", "put", "set") if name in signatures]
    return any("Option<" in field_text(one, "return_type") and arity(one) == 1 for one in looks) and any(
        arity(one) == 2 for one in puts
    )


def type_parameters(node: Node) -> Iterator[str]:
    """The names of a declaration's type parameters."""
    listed = node.child_by_field_name("type_parameters")
    for child in listed.named_children if listed is not None else []:
        if child.type == "type_parameter":
            name = child.child_by_field_name("name")
            yield text_of(name) if name is not None else text_of(child)
        elif child.type == "type_identifier":
            yield text_of(child)
