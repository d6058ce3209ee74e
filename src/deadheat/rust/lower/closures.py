"""Closures and async blocks, run where they stand.

Owns the frame that `return` and `?` leave: the closure's own, not the function's. A closure that
is only passed on may run or not, once or often; it is taken to run perhaps, here.
"""

from tree_sitter import Node

from deadheat.rust.ir import NO_DEPS, NOTHING, Value
from deadheat.rust.lower.builder import Frame, Loop, Lowering
from deadheat.rust.lower.expressions import copies, evaluate, expression
from deadheat.rust.lower.patterns import bind
from deadheat.rust.lower.values import with_deps
from deadheat.rust.syntax import significant


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


def _nothing() -> Value:
    return NOTHING
