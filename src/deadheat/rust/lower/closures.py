"""Closures and async blocks, run where they stand.

Owns the frame that `return` and `?` leave: the closure's own, not the function's. A closure that
is only passed on may run or not, once or often; it is taken to run perhaps, here.
"""

import re

from tree_sitter import Node

from deadheat.rust.ir import NO_DEPS, NOTHING, Value
from deadheat.rust.lower.builder import Frame, Loop, Lowering
from deadheat.rust.lower.expressions import copies, evaluate, expression
from deadheat.rust.lower.patterns import bind
from deadheat.rust.lower.values import with_deps
from deadheat.rust.syntax import significant, text_of


@expression("closure_expression")
def _closure(low: Lowering, node: Node) -> Value:
    return run_closure(low, node, ())


def run_closure(low: Lowering, node: Node, arguments: tuple[Value, ...]) -> Value:
    """A closure or async block run where it stands, perhaps: `return` and `?` leave only it."""
    listed, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
    if body is None:
        body = next((child for child in node.named_children if child.type == "block"), None)

    def run() -> Value:
        low.frames.append(Frame(len(low.scopes), len(low.temporaries)))
        loops: list[Loop] = low.loops
        low.loops = []
        low.push_scope()
        low.push_temporaries()
        for index, parameter in enumerate(significant(listed) if listed is not None else ()):
            pattern = parameter.child_by_field_name("pattern") if parameter.type == "parameter" else parameter
            written = parameter.child_by_field_name("type") if parameter.type == "parameter" else None
            value = arguments[index] if index < len(arguments) else NOTHING
            if written is not None:
                declared = low.types.read(written, low.module, low.self_type)
                value = Value(declared, value.place, value.guards, deps=value.deps, key=value.key)
            if pattern is not None:
                bind(low, pattern, value)
        result = evaluate(low, body)
        if body is not None and copies(body):
            result = low.use(result, body)
        low.claim(result)
        low.pop_temporaries(node)
        low.pop_scope(node)
        low.loops = loops
        frame = low.frames.pop()
        if result.owned:
            low.temporaries[-1].extend(result.guards)
        low.frontier = tuple(dict.fromkeys((*low.frontier, *frame.exits)))
        if frame.returned:
            result = with_deps(result, result.deps | frame.result.deps)
        return result

    if node.type == "async_block":
        return run()
    return low.fork([run, _nothing], NO_DEPS, node)


_CHANGES = frozenset(
    {"push", "push_back", "push_str", "insert", "extend", "send", "try_send", "append", "remove"}
)  # fmt: skip


def outer_effect(node: Node) -> str:
    """What a closure changes that is not its own, in its own words; empty when nothing shows."""
    own = {text_of(node.child_by_field_name("parameters") or node)}
    names = set(re.findall(r"\w+", next(iter(own))))
    pending = list(node.named_children)
    effects: list[tuple[int, str, str]] = []
    while pending:
        current = pending.pop()
        pending += current.named_children
        target: Node | None = None
        if current.type == "let_declaration":
            names |= set(re.findall(r"\w+", text_of(current.child_by_field_name("pattern") or current)))
        elif current.type in ("assignment_expression", "compound_assignment_expr"):
            target = current.child_by_field_name("left")
        elif current.type == "call_expression":
            callee = current.child_by_field_name("function")
            if callee is not None and callee.type == "field_expression":
                name = text_of(callee.child_by_field_name("field") or callee)
                target = callee.child_by_field_name("value") if name in _CHANGES else None
        if target is not None:
            base = re.match(r"[(*&\s]*(\w+)", text_of(target))
            said = " ".join(text_of(current).split())
            effects.append((current.start_byte, base.group(1) if base else "", said))
    return next((text[:60] for _, base, text in sorted(effects) if base and base not in names), "")


def _nothing() -> Value:
    return NOTHING
