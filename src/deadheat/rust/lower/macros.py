"""Macro arguments, read as the expressions that they mostly are.

Owns the re-parsing of token trees with correct offsets: the tokens are parsed again inside a
small frame, and the difference in position is added to every node. Format strings are searched
for inline captures (`"{count}"`). `json!` is turned into a tuple first, byte for byte.
"""

import re

from tree_sitter import Node

from deadheat.rust import known, outside
from deadheat.rust.db import dispatch as database
from deadheat.rust.ir import NO_DEPS, NOTHING, Deps, Kind, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.control import block
from deadheat.rust.lower.expansion import expand
from deadheat.rust.lower.expressions import evaluate, expression, gather, unwrap, value_of
from deadheat.rust.lower.outside import note
from deadheat.rust.lower.reparse import arguments_at, block_at
from deadheat.rust.lower.select import select
from deadheat.rust.lower.spawn import detached, joined
from deadheat.rust.syntax import field_text, significant, text_of
from deadheat.rust.types import Type

_STREAMS = frozenset(
    {"EventStream", "TextStream", "ByteStream", "ReaderStream", "stream", "try_stream", "Stream"}
)
# Macros that hand their argument on, or leave with its failure.
_PASSING = frozenset({"try_outcome", "try", "outcome_try", "try_or_fail"})
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
    # A stream's block is ordinary code but for `yield`, and so is an arm of `select!`.
    ordinary = name in known.EXPRESSION_MACROS or name in _STREAMS or name == "select"
    low.sites_allowed = allowed and ordinary
    try:
        if name in _STREAMS:
            return _stream(low, node, name, tokens, content)
        if name == "select":
            return select(low, node, tokens)
        expanded = expand(low, node, name, tokens)
        if expanded is not None:
            return expanded
        if name.startswith("query"):
            with arguments_at(low, tokens.start_byte + 1, content) as nodes:
                statement = database.sql_macro(low, name, list(nodes))
            if statement is not None:
                return statement
        if name in ("json", "rocket_json", "doc", "bson") and content.lstrip().startswith((b"{", b"[")):
            content = _json_to_tuple(tokens)
            result = gather(tuple(_arguments(low, tokens, content)), Type("Value"))
        elif name in ("doc", "bson") and (tokens.text or b"").startswith(b"{"):
            result = gather(tuple(_arguments(low, tokens, _pairs_to_list(tokens))), Type("Document"))
        elif (tokens.text or b"").startswith(b"{") and name not in known.EXPRESSION_MACROS:
            result = _block(low, tokens, _as_block(tokens, content))
        elif name in ("addr_of", "addr_of_mut"):
            with arguments_at(low, tokens.start_byte + 1, content) as nodes:
                result = next((evaluate(low, child) for child in nodes), NOTHING)
        elif name == "vec" and b";" in content:
            result = gather(tuple(_arguments(low, tokens, content.replace(b";", b",", 1))), Type("Vec"))
        else:
            result = _expressions(low, tokens, content, name)
    finally:
        low.sites_allowed = allowed
    if name == "doc":
        result = database.document(low, node, result)
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
    if name in _PASSING and values:
        low.early_exit(tokens, values[0])
        return unwrap(low, values[0])
    if name == "dbg" and len(values) == 1:
        return values[0]
    if name in ("join", "try_join"):
        low.emit(Kind.AWAIT, tokens, deps=joined(low, deps))
    drawn = outside.macro_class(name)
    if drawn is not None:
        deps = deps | {(note(low, tokens, drawn, f"{name}!"), "")}
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
    with arguments_at(low, tokens.start_byte + 1, content) as nodes:
        return [value_of(low, child) for child in nodes]


_CONFIGURED = re.compile(rb"(\bif\s+)(#\s*\[\s*cfg\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*\])(?=\s*\{)")
_SELECTOR = re.compile(rb"\s*\w+\s*:(?!:)[\w\s,]*\{")


def _as_block(tokens: Node, content: bytes) -> bytes:
    """A macro's block as plain Rust of the same length.

    `cfg_if!`'s conditions become a condition that nobody knows: each arm is what some build does.
    Of a macro that takes one block for each backend (`db_run! { conn: sqlite { … } mysql { … } }`)
    the first stands for all.
    """
    content = _CONFIGURED.sub(lambda found: found[1] + b"_cfg".ljust(len(found[2])), content)
    if _SELECTOR.match(content) is None:
        return content
    first = next(
        (c for c in tokens.named_children if c.type == "token_tree" and (c.text or b"").startswith(b"{")),
        None,
    )
    if first is None:
        return content
    base = tokens.start_byte + 1
    start, end = first.start_byte - base, first.end_byte - base
    blank = bytes(c if c == 10 else 32 for c in content)
    return blank[:start] + content[start:end] + blank[end:]


def _block(low: Lowering, tokens: Node, content: bytes) -> Value:
    with block_at(low, tokens.start_byte, b"{" + content + b"}") as body:
        return block(low, body) if body is not None else NOTHING


_SOCKET = re.compile(rb"^\s*\w+\s*=>")  # `Stream! { ws => … }` of rocket_ws
_FOR_AWAIT = re.compile(rb"\b(for\s+)await\b")  # async-stream's loop over a stream


def plain_stream(content: bytes) -> bytes:
    """A stream's block as plain Rust of the same length, but for its `yield`s."""
    return _FOR_AWAIT.sub(rb"\1     ", _SOCKET.sub(_blank, content))


def _blank(found: re.Match[bytes]) -> bytes:
    return bytes(c if c == 10 else 32 for c in found[0])


def _stream(low: Lowering, node: Node, name: str, tokens: Node, content: bytes) -> Value:
    """A stream's body runs when the handler has returned, and is dropped when the client goes away."""

    def run(child: Lowering) -> Value:
        note(child, node, outside.CANCELLABLE, f"{name}!")
        result = _block(child, tokens, plain_stream(content))
        note(child, node, outside.COMPLETED, f"{name}!")
        return result

    started = low.emit(Kind.SPAWN, node, operation=f"{name}!")
    detached(low, node, run)
    return Value(Type(name), deps=frozenset({(started, "")}))


@expression("yield_expression")
def _yield(low: Lowering, node: Node) -> Value:
    value_of(low, next(significant(node), None))
    low.emit(Kind.AWAIT, node)
    return NOTHING


def _pairs_to_list(tokens: Node) -> bytes:
    """`"a": x, "b": { "c": y }` as `"a", x, "b", ( "c", y )`, so that it parses; same length."""
    text = bytearray(_json_to_tuple(tokens))
    for child in tokens.children:
        if child.type == ":":
            text[child.start_byte - tokens.start_byte - 1] = ord(",")
    return bytes(text)


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
            if tree.end_byte - base > len(text):
                continue  # broken off: it has no closing brace of its own
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
