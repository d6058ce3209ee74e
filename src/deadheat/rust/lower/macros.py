"""Macro arguments, read as the expressions that they mostly are.

Owns the re-parsing of token trees with correct offsets: the tokens are parsed again inside a
small frame, and the difference in position is added to every node. Format strings are searched
for inline captures (`"{count}"`). `json!` is turned into a tuple first, byte for byte.
"""

import re

from tree_sitter import Node

from deadheat.rust import known
from deadheat.rust.ir import NO_DEPS, NOTHING, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.control import block
from deadheat.rust.lower.expressions import evaluate, expression, gather, value_of
from deadheat.rust.syntax import field_text, parse, significant, text_of
from deadheat.rust.types import Type

_FRAME = b"fn f(){m("
_BLOCK = b"fn f()"
_CAPTURE = re.compile(r"(?<!\{)(?:\{\{)*\{([A-Za-z_][A-Za-z0-9_]*)(?::[^{}]*)?\}")
_NESTING = 6
_OPAQUE = frozenset(
    {"include_str", "include_bytes", "env", "option_env", "concat", "stringify", "cfg", "line",
                     "file", "routes", "catchers", "uri", "sql", "html"})  # fmt: skip


@expression("macro_invocation")
def macro(low: Lowering, node: Node) -> Value:
    """What the macro's arguments do, and what it gives back."""
    name = field_text(node, "macro").split("::")[-1]
    tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
    if tokens is None or name in _OPAQUE or low.depth > 60:
        return NOTHING
    content = (tokens.text or b"")[1:-1]
    allowed = low.sites_allowed
    low.sites_allowed = allowed and name in known.EXPRESSION_MACROS
    try:
        if name in ("json", "rocket_json") and content.lstrip().startswith((b"{", b"[")):
            content = _json_to_tuple(tokens)
            result = gather(tuple(_arguments(low, tokens, content)), Type("Value"))
        elif (tokens.text or b"").startswith(b"{") and name not in known.EXPRESSION_MACROS:
            result = _block(low, tokens, content)
        elif name == "vec" and b";" in content:
            result = gather(tuple(_arguments(low, tokens, content.replace(b";", b",", 1))), Type("Vec"))
        else:
            result = _expressions(low, tokens, content, name)
    finally:
        low.sites_allowed = allowed
    if name in known.NEVER_RETURNS:
        low.leave(node, NOTHING)
    if name in ("ensure",):
        low.early_exit(node, result)
    return result


def _expressions(low: Lowering, tokens: Node, content: bytes, name: str) -> Value:
    values = _arguments(low, tokens, content)
    deps: Deps = NO_DEPS
    for value in values:
        deps |= value.deps
    if name in known.FORMATTING:
        for captured in _captures(tokens):
            binding = low.lookup(captured)
            if binding is not None:
                before = len(low.events)
                deps |= low.use(binding.value, tokens).deps
                for event in low.events[before:]:
                    event.operation = captured
    declared = None
    if name == "vec":
        declared = Type("Vec", (values[0].type if values else None,))
    elif name == "format":
        declared = Type("String")
    guards = tuple(guard for value in values if value.owned for guard in value.guards)
    if name in ("join", "try_join") and len(values) > 1:
        return Value(
            Type("(tuple)", tuple(v.type for v in values)),
            None,
            guards,
            bool(guards),
            deps,
            None,
            tuple(values),
        )
    return Value(declared, deps=deps)


def _captures(tokens: Node) -> list[str]:
    for child in tokens.named_children:
        if child.type in ("string_literal", "raw_string_literal"):
            return _CAPTURE.findall(text_of(child))
    return []


def _arguments(low: Lowering, tokens: Node, content: bytes) -> list[Value]:
    if not content.strip():
        return []
    root = parse(_FRAME + content + b");}").root_node
    call = _first(root, "arguments")
    if call is None:
        return []
    shift = low.shift
    low.shift = shift + tokens.start_byte + 1 - len(_FRAME)
    try:
        return [value_of(low, child) for child in significant(call)]
    finally:
        low.shift = shift


def _block(low: Lowering, tokens: Node, content: bytes) -> Value:
    root = parse(_BLOCK + b"{" + content + b"}").root_node
    body = _first(root, "block")
    if body is None or (body.has_error and not body.named_children):
        return NOTHING
    shift = low.shift
    low.shift = shift + tokens.start_byte - len(_BLOCK)
    try:
        return block(low, body)
    finally:
        low.shift = shift


def _first(root: Node, kind: str) -> Node | None:
    pending = [root]
    for _ in range(60):
        if not pending:
            return None
        node = pending.pop()
        if node.type == kind:
            return node
        pending += reversed(node.named_children)
    return None


def _json_to_tuple(tokens: Node) -> bytes:
    """`{ "a": x, "b": [y] }` as `( "a", x, "b", [y] )`, so that it parses; same length."""
    text = bytearray((tokens.text or b"")[1:-1])
    base = tokens.start_byte + 1
    pending: list[tuple[Node, int]] = [
        (child, 0) for child in tokens.named_children if child.type == "token_tree"
    ]
    while pending:
        tree, depth = pending.pop()
        opening = (tree.text or b"")[:1]
        if opening == b"(" or depth > _NESTING:
            continue
        if opening == b"{":
            text[tree.start_byte - base] = ord("(")
            text[tree.end_byte - base - 1] = ord(")")
            for child in tree.children:
                if child.type == ":":
                    text[child.start_byte - base] = ord(",")
        for child in tree.named_children:
            before = child.prev_sibling
            if child.type == "token_tree" and before is not None and before.type in (":", ",", "[", "{", "("):
                pending.append((child, depth + 1))
    return bytes(text)


__all__ = ["evaluate", "macro"]
