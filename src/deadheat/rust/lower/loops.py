"""Loops, and what leaves a body or a turn of one.

Owns the order of events in a loop: its head, its turns, what `break` and `continue` end. Temporaries of a
`while let` and a `for` live as `control` says. It must not know straight-line statements.
"""

from tree_sitter import Node

from deadheat.rust.ir import NOTHING, Deps, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.control import condition_of, has_let, scrutinee_of, statement
from deadheat.rust.lower.expressions import expression, moved, unwrap
from deadheat.rust.lower.guards import nothing_found
from deadheat.rust.lower.patterns import bind
from deadheat.rust.lower.results import element_type
from deadheat.rust.syntax import field_text, significant, text_of


def _label(node: Node) -> str:
    for child in node.named_children:
        if child.type == "label":
            return text_of(child)
    return ""


@expression("while_expression")
def _while(low: Lowering, node: Node) -> Value:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    if condition is None:
        return NOTHING

    spun: list[Deps] = []

    def turn() -> None:
        low.push_temporaries()
        low.push_scope()
        deps, patterns = condition_of(low, condition)
        lets = has_let(condition)
        if not lets:
            low.pop_scope(condition)
            low.pop_temporaries(condition)

        def run() -> Value:
            low.push_scope()
            for pattern, value in patterns:
                bind(low, pattern, unwrap(low, value))
            first = len(low.events)
            statement(low, body)
            if not any(event.place is not None for event in low.events[first:]):
                spun.append(deps)
            low.pop_scope(node)
            return NOTHING

        def stop() -> Value:
            nothing_found(low, patterns, node)
            low.leave_loop(node, "", NOTHING, again=False)
            return NOTHING

        low.fork([run, stop], deps, condition)
        if lets:
            low.pop_scope(node)
            low.pop_temporaries(node)

    result = low.loop(turn, node, _label(node), may_skip=False)
    for deps in spun:  # a loop that only waits is a check: whatever follows relies on it
        low.control = low.control | deps
    return result


@expression("loop_expression")
def _loop(low: Lowering, node: Node) -> Value:
    body = node.child_by_field_name("body")
    return low.loop(lambda: statement(low, body), node, _label(node), may_skip=False)


@expression("for_expression")
def _for(low: Lowering, node: Node) -> Value:
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    # `for` desugars to a match on the iterator: its temporaries live through the loop.
    low.push_temporaries()
    value = node.child_by_field_name("value")
    counted = _counted(value)
    if counted is not None and pattern is not None and pattern.type == "tuple_pattern":
        value, pattern = counted, list(significant(pattern))[-1]
    iterated = scrutinee_of(low, value)
    place, elements = iterated.place, iterated.type is not None and iterated.type.short == "Iter"
    if place is not None and not (elements and place.path[-1:] == ("[*]",)):
        place = place.then("[*]")
    element = Value(element_type(iterated.type), place, iterated.guards, deps=iterated.deps)

    def turn() -> None:
        low.push_scope()
        if pattern is not None:
            bind(low, pattern, element)
        statement(low, body)
        low.pop_scope(node)

    result = low.loop(turn, node, _label(node), may_skip=True)
    low.pop_temporaries(node)
    return result


def _counted(node: Node | None) -> Node | None:
    """What `….enumerate()` counts: its elements come second."""
    callee = node.child_by_field_name("function") if node is not None else None
    if callee is None or callee.type != "field_expression" or field_text(callee, "field") != "enumerate":
        return None
    return callee.child_by_field_name("value")


@expression("return_expression")
def _return(low: Lowering, node: Node) -> Value:
    inner = next(significant(node), None)
    low.leave(node, moved(low, inner))
    return NOTHING


@expression("break_expression", "continue_expression")
def _jump(low: Lowering, node: Node) -> Value:
    value = NOTHING
    for child in significant(node):
        if child.type != "label":
            value = moved(low, child)
    low.leave_loop(node, _label(node), value, again=node.type == "continue_expression")
    return NOTHING
