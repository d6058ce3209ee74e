"""Statements, blocks and branches.

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
from deadheat.rust.items import scope_of
from deadheat.rust.lower.builder import LARGEST, Lowering
from deadheat.rust.lower.expressions import copies, evaluate, expression, unwrap, value_of
from deadheat.rust.lower.guards import dropped, is_maybe, nothing_found
from deadheat.rust.lower.patterns import bind, is_existential
from deadheat.rust.lower.values import with_deps
from deadheat.rust.syntax import significant, text_of

_ITEMS = frozenset(
    {"function_item", "struct_item", "enum_item", "use_declaration", "static_item", "const_item", "impl_item",
     "trait_item", "type_item", "mod_item", "macro_definition", "empty_statement", "inner_attribute_item"}
)  # fmt: skip


@expression("block")
def block(low: Lowering, node: Node) -> Value:
    """A block: its statements, then its tail, whose value may leave with a local guard."""
    children = [child for child in significant(node) if child.type != "label"]
    outer = low.module
    low.module = scope_of([child for child in children if child.type == "use_declaration"], outer)
    try:
        return _block(low, node, children)
    finally:
        low.module = outer


def _block(low: Lowering, node: Node, children: list[Node]) -> Value:
    low.push_scope()
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
                statement(low, inner)
        elif index == len(children) - 1 and not _semicolon_follows(child):
            result = _tail(low, child)
        else:
            statement(low, child)
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


def statement(low: Lowering, node: Node | None) -> None:
    """Run an expression for what it does; its temporaries end with it."""
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
    lets = has_let(condition)
    low.push_temporaries()
    low.push_scope()
    deps, patterns = condition_of(low, condition)
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


def has_let(condition: Node) -> bool:
    """Whether a condition binds something."""
    return condition.type in ("let_condition", "let_chain")


def condition_of(low: Lowering, condition: Node) -> tuple[Deps, list[tuple[Node, Value]]]:
    """What a condition depends on, and what its `let`s will bind."""
    if condition.type == "let_condition":
        scrutinee, pattern = condition.child_by_field_name("value"), condition.child_by_field_name("pattern")
        value = scrutinee_of(low, scrutinee)
        asked = existence(value.deps) if pattern is not None and is_existential(pattern) else value.deps
        return asked, [(pattern, value)] if pattern is not None else []
    if condition.type == "let_chain":
        deps: Deps = NO_DEPS
        patterns: list[tuple[Node, Value]] = []
        for child in significant(condition):
            more, bound = condition_of(low, child)
            deps |= more
            patterns += bound
            for pattern, value in bound:
                bind(low, pattern, unwrap(low, with_deps(value, value.deps)))
        return deps, patterns
    return value_of(low, condition).deps, []


def scrutinee_of(low: Lowering, node: Node | None) -> Value:
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
    value = scrutinee_of(low, scrutinee)
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
                    tested = condition_of(low, guard)[0]
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
    if guards_seen and len(arms) > 1 and result is not NOTHING:  # which arm gave it was said by their guards
        result = with_deps(result, result.deps.union(*guards_seen))
    if guards_seen and sum(len(frame.exits) for frame in low.frames) > exits_before:
        for tested in guards_seen:
            low.control = low.control | tested
    return result


# ---------------------------------------------------------------------- loops and jumps
