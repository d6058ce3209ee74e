"""Statements, blocks, branches and loops.

Owns the temporary scopes of each construct (the Rust reference, "Temporary scopes", and the
edition guide on `if let` and tail expressions). Two acquisitions of one lock:

=====================  =========================
`match` scrutinee      second one waits for ever
`if let`, then-branch  likewise
`if let`, else-branch  likewise in 2021, not in 2024
`while let`, `for`     likewise
plain `if`, let-else   safe: the temporary has ended
=====================  =========================
"""

from collections.abc import Callable

from tree_sitter import Node

from deadheat.rust.ir import NO_DEPS, NOTHING, Deps, Kind, Value, existence
from deadheat.rust.lower.builder import LARGEST, Lowering
from deadheat.rust.lower.expressions import copies, evaluate, expression, moved, unwrap, value_of
from deadheat.rust.lower.guards import dropped, is_maybe, nothing_found
from deadheat.rust.lower.patterns import bind, is_existential
from deadheat.rust.lower.results import element_type
from deadheat.rust.lower.values import with_deps
from deadheat.rust.syntax import significant, text_of

_ITEMS = frozenset(
    {"function_item", "struct_item", "enum_item", "use_declaration", "static_item", "const_item", "impl_item",
     "trait_item", "type_item", "mod_item", "macro_definition", "empty_statement", "inner_attribute_item"}
)  # fmt: skip


@expression("block")
def block(low: Lowering, node: Node) -> Value:
    """A block: its statements, then its tail, whose value may leave with a local guard."""
    low.push_scope()
    children = [child for child in significant(node) if child.type != "label"]
    result = NOTHING
    for index, child in enumerate(children):
        kind = child.type
        if kind in _ITEMS:
            continue
        if len(low.events) > LARGEST:
            low.truncated = True  # the rest of a body like this is left out, and said to be
            break
        if kind == "let_declaration":
            _let(low, child)
        elif kind == "expression_statement":
            tail = index == len(children) - 1 and not (child.text or b"").endswith(b";")
            inner = next(significant(child), None)
            if tail and inner is not None:
                result = _tail(low, inner)
            else:
                _statement(low, inner)
        elif index == len(children) - 1 and not _semicolon_follows(child):
            result = _tail(low, child)
        else:
            _statement(low, child)
    # A guard of this block that is the block's value moves out of it.
    if result.owned:
        low.claim(result)
        low.pop_scope(node)
        low.temporaries[-1].extend(result.guards)
    else:
        low.pop_scope(node)
    return result


def _semicolon_follows(node: Node) -> bool:
    following = node.next_sibling
    return following is not None and following.type == ";"


def _statement(low: Lowering, node: Node | None) -> None:
    if node is None:
        return
    low.push_temporaries()
    value = evaluate(low, node)
    if value.owned and node.type in ("call_expression", "await_expression"):
        dropped(low, value, "statement")
    low.pop_temporaries(node)


def _tail(low: Lowering, node: Node) -> Value:
    if low.edition < 2024:
        return low.use(evaluate(low, node), node) if copies(node) else evaluate(low, node)
    low.push_temporaries()
    value = evaluate(low, node)
    if copies(node):
        value = low.use(value, node)
    low.claim(value)
    low.pop_temporaries(node)
    if value.owned:
        low.temporaries[-1].extend(value.guards)
    return value


def _let(low: Lowering, node: Node) -> None:
    pattern, initial = node.child_by_field_name("pattern"), node.child_by_field_name("value")
    otherwise = node.child_by_field_name("alternative")
    if pattern is None:
        return
    low.push_temporaries()
    value = evaluate(low, initial)
    if initial is not None and initial.type in (
        "unary_expression", "field_expression", "index_expression", "parenthesized_expression",
    ) and not value.owned:  # fmt: skip
        value = low.use(value, initial)
    declared = low.types.read(node.child_by_field_name("type"), low.module, low.self_type)
    if declared is not None and declared.name != "_":
        value = Value(declared, value.place, value.guards, value.owned, value.deps, value.key, value.parts)
    if otherwise is not None:
        maybe = is_maybe(low, value)
        value = unwrap(low, value)
        low.temporaries.append([])  # the bound part is claimed below, before the rest ends
        bind(low, pattern, value)
        low.temporaries.pop()
        low.pop_temporaries(node)

        def missed() -> Value:
            if maybe:
                low.release(value.guards, node)
            return evaluate(low, otherwise)

        low.fork([missed, _nothing], value.deps, node)
        return
    if value.owned and pattern.type == "_":
        dropped(low, value, "let _")
    extended = initial is not None and _extends(initial)
    bind(low, pattern, value)
    if extended and low.temporaries[-1]:
        # `let x = &*m.lock().unwrap();`: the temporary lives as long as `x`.
        names = _names(pattern)
        binding = low.lookup(names[0]) if names else None
        if binding is not None:
            kept = Value(value.type, value.place, value.guards, owned=True, deps=value.deps)
            low.declare(names[0], kept)
    low.pop_temporaries(node)


def _diverging(low: Lowering, node: Node) -> Callable[[], Value]:
    return lambda: evaluate(low, node)


def _nothing() -> Value:
    return NOTHING


_THROUGH = frozenset(
    {"unary_expression", "field_expression", "index_expression", "reference_expression",
     "parenthesized_expression"}
)  # fmt: skip


def _extends(node: Node) -> bool:
    """Whether the initialiser is an extending borrow of a temporary."""
    if node.type != "reference_expression":
        return False
    inner = node.child_by_field_name("value")
    while inner is not None and inner.type in _THROUGH:
        inner = next(significant(inner), None)
    return inner is not None and inner.type in ("call_expression", "await_expression", "try_expression")


def _names(pattern: Node) -> list[str]:
    if pattern.type == "identifier":
        return [text_of(pattern)]
    found: list[str] = []
    for child in pattern.named_children:
        found += _names(child)
    return found


# ---------------------------------------------------------------------- branches


@expression("if_expression")
def _if(low: Lowering, node: Node) -> Value:
    condition = node.child_by_field_name("condition")
    then, otherwise = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    alternative = next(significant(otherwise), None) if otherwise is not None else None
    if condition is None:
        return NOTHING
    lets = _has_let(condition)
    low.push_temporaries()
    low.push_scope()
    deps, patterns = _condition(low, condition)
    if not lets:
        # A plain condition is a temporary scope of its own.
        low.pop_scope(condition)
        low.pop_temporaries(condition)
        return low.fork([_branch(low, then), _branch(low, alternative)], deps, condition)
    early = low.edition >= 2024

    def matched() -> Value:
        low.push_scope()
        for pattern, value in patterns:
            bind(low, pattern, unwrap(low, value))
        result = _branch(low, then)()
        low.pop_scope(node)
        if early:
            low.release(reversed(low.temporaries[-1]), node)
        return result

    def missed() -> Value:
        nothing_found(low, patterns, node)
        if early:
            low.release(reversed(low.temporaries[-1]), node)
        return _branch(low, alternative)()

    result = low.fork([matched, missed], deps, condition)
    low.pop_scope(node)
    if early:
        low.temporaries.pop()
    else:
        low.pop_temporaries(node)
    return result


def _has_let(condition: Node) -> bool:
    return condition.type in ("let_condition", "let_chain")


def _condition(low: Lowering, condition: Node) -> tuple[Deps, list[tuple[Node, Value]]]:
    """What a condition depends on, and what its `let`s will bind."""
    if condition.type == "let_condition":
        scrutinee, pattern = condition.child_by_field_name("value"), condition.child_by_field_name("pattern")
        value = _scrutinee(low, scrutinee)
        asked = existence(value.deps) if pattern is not None and is_existential(pattern) else value.deps
        return asked, [(pattern, value)] if pattern is not None else []
    if condition.type == "let_chain":
        deps: Deps = NO_DEPS
        patterns: list[tuple[Node, Value]] = []
        for child in significant(condition):
            more, bound = _condition(low, child)
            deps |= more
            patterns += bound
            for pattern, value in bound:
                bind(low, pattern, unwrap(low, with_deps(value, value.deps)))
        return deps, patterns
    return value_of(low, condition).deps, []


def _scrutinee(low: Lowering, node: Node | None) -> Value:
    """A matched place is looked at, but what it refers to stays reachable."""
    value = evaluate(low, node)
    if node is not None and low.is_content(value) and not value.owned and not low.has_just_read(value):
        read = low.use(value, node)
        return Value(
            value.type,
            value.place,
            value.guards,
            owned=False,
            deps=read.deps,
            key=value.key,
            parts=value.parts,
        )
    return value


def _branch(low: Lowering, node: Node | None) -> Callable[[], Value]:
    def run() -> Value:
        if node is None:
            return NOTHING
        if node.type == "if_expression":  # else if: no temporary scope of its own
            return evaluate(low, node)
        low.push_temporaries()
        value = evaluate(low, node)
        low.claim(value)
        low.pop_temporaries(node)
        if value.owned:
            low.temporaries[-1].extend(value.guards)
        return value

    return run


@expression("match_expression")
def _match(low: Lowering, node: Node) -> Value:
    scrutinee, body = node.child_by_field_name("value"), node.child_by_field_name("body")
    value = _scrutinee(low, scrutinee)
    arms = [child for child in significant(body) if child.type == "match_arm"] if body is not None else []

    def arm(child: Node) -> Callable[[], Value]:
        def run() -> Value:
            pattern, inner = child.child_by_field_name("pattern"), child.child_by_field_name("value")
            if low.frontier:  # also reached from the guards of earlier arms that said no
                low.frontier = tuple(dict.fromkeys((*low.frontier, *refused)))
            low.push_scope()
            control = low.control
            if pattern is not None:
                shape = next(significant(pattern), None)
                if maybe and (shape is None or shape.type != "tuple_struct_pattern"):
                    low.release(value.guards, child)
                if shape is not None:
                    bind(low, shape, value)
                guard = pattern.child_by_field_name("condition")
                if guard is not None:
                    low.push_temporaries()
                    tested = _condition(low, guard)[0]
                    low.pop_temporaries(guard)
                    guards_seen.append(tested)
                    low.emit(Kind.BRANCH, guard, deps=tested)
                    refused.extend(low.frontier)
            # Whoever gets past a guarded arm knows that its guard said no.
            for tested in guards_seen:
                low.control = low.control | tested
            before = low.control
            result = _branch(low, inner)()
            low.pop_scope(child)
            low.control = control | (low.control - before)  # what an early exit in the arm let pass
            return result

        return run

    maybe = is_maybe(low, value)
    guards_seen: list[Deps] = []
    refused: list[int] = []
    exits_before = sum(len(frame.exits) for frame in low.frames)
    patterns = [
        next(significant(p), None) for a in arms if (p := a.child_by_field_name("pattern")) is not None
    ]
    existential = all(pattern is None or is_existential(pattern) for pattern in patterns)
    decides = existence(value.deps) if existential else value.deps
    result = low.fork([arm(child) for child in arms], decides, node)
    if guards_seen and sum(len(frame.exits) for frame in low.frames) > exits_before:
        for tested in guards_seen:
            low.control = low.control | tested
    return result


# ---------------------------------------------------------------------- loops and jumps


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
        deps, patterns = _condition(low, condition)
        lets = _has_let(condition)
        if not lets:
            low.pop_scope(condition)
            low.pop_temporaries(condition)

        def run() -> Value:
            low.push_scope()
            for pattern, value in patterns:
                bind(low, pattern, unwrap(low, value))
            first = len(low.events)
            _statement(low, body)
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
    return low.loop(lambda: _statement(low, body), node, _label(node), may_skip=False)


@expression("for_expression")
def _for(low: Lowering, node: Node) -> Value:
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    # `for` desugars to a match on the iterator: its temporaries live through the loop.
    low.push_temporaries()
    iterated = _scrutinee(low, node.child_by_field_name("value"))
    element = Value(
        element_type(iterated.type),
        iterated.place.then("[*]") if iterated.place is not None else None,
        iterated.guards,
        deps=iterated.deps,
    )

    def turn() -> None:
        low.push_scope()
        if pattern is not None:
            bind(low, pattern, element)
        _statement(low, body)
        low.pop_scope(node)

    result = low.loop(turn, node, _label(node), may_skip=True)
    low.pop_temporaries(node)
    return result


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
