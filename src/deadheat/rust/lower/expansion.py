"""Calls of the program's own `macro_rules!`, expanded.

Owns the expansion of small macros by example: a rule whose pattern is a comma-separated list of
`$name:fragment`, whose arguments are put into the body as they are written. Everything in the
expansion happens at the call: there is no other place a person could look at. A rule with
repetitions is not expanded.
"""

from tree_sitter import Node

from deadheat.rust.ir import Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.control import block
from deadheat.rust.lower.reparse import block_at
from deadheat.rust.syntax import text_of

_NESTING = 4
_LONGEST = 4000


def expand(low: Lowering, node: Node, name: str, tokens: Node) -> Value | None:
    """What a call of one of our macros does; None when it cannot be expanded."""
    definition = low.types.macros.get(name)
    if definition is None or low.expanding >= _NESTING:
        return None
    given = _arguments(tokens)
    for rule in definition.named_children:
        if rule.type != "macro_rule":
            continue
        names = _parameters(rule)
        if names is None or len(names) != len(given):
            continue
        body = next((child for child in rule.named_children if child.type == "token_tree"), None)
        text = _substituted(body, dict(zip(names, given, strict=True))) if body is not None else b""
        if not text or len(text) > _LONGEST:
            return None
        return _run(low, node, text)
    return None


def _run(low: Lowering, node: Node, text: bytes) -> Value | None:
    pinned, allowed = low.pinned, low.sites_allowed
    low.pinned, low.sites_allowed = low.where(node), False
    low.expanding += 1
    try:
        with block_at(low, 0, b"{" + text[1:-1] + b"}") as body:
            return block(low, body) if body is not None else None
    finally:
        low.expanding -= 1
        low.pinned, low.sites_allowed = pinned, allowed


def _parameters(rule: Node) -> list[str] | None:
    """The names of a rule's pattern; None when it is more than a list of them."""
    pattern = next((child for child in rule.named_children if child.type == "token_tree_pattern"), None)
    if pattern is None:
        return None
    names: list[str] = []
    for child in pattern.children[1:-1]:
        if child.type == "token_binding_pattern":
            names.append(text_of(child.named_children[0]))
        elif child.type == "token_repetition_pattern" and text_of(child).replace(" ", "") == "$(,)?":
            continue
        elif child.type not in (",", ";", "=>"):
            return None
    return names


def _arguments(tokens: Node) -> list[bytes]:
    """The call's tokens between commas."""
    content, base = tokens.text or b"", tokens.start_byte
    found: list[bytes] = []
    start = 1
    for child in tokens.children[1:-1]:
        if child.type in (",", ";", "=>"):
            found.append(content[start : child.start_byte - base].strip())
            start = child.end_byte - base
    last = content[start:-1].strip()
    return [*found, last] if last else found


def _substituted(body: Node, values: dict[str, bytes]) -> bytes:
    pieces: list[bytes] = []
    text, base = body.text or b"", body.start_byte
    at = 0
    pending = [body]
    while pending:
        node = pending.pop()
        if node.type == "metavariable":
            value = values.get(text_of(node))
            if value is not None:
                pieces += [text[at : node.start_byte - base], value]
                at = node.end_byte - base
        else:
            pending += reversed(node.children)
    return b"".join((*pieces, text[at:]))
