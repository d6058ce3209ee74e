"""Tasks and threads that a function starts.

Owns the difference between work that is awaited in place (`spawn_blocking(…).await`,
`block_in_place`) and work that goes on by itself, which becomes a body of its own: it holds none
of the locks of its parent and races with it.
"""

from collections.abc import Callable

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known
from deadheat.rust.ir import NO_DEPS, NOTHING, Deps, Kind, Summary, Value
from deadheat.rust.lower.builder import Frame, Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.compact import compact
from deadheat.rust.lower.expressions import evaluate
from deadheat.rust.lower.sites import note_site
from deadheat.rust.lower.values import Binding
from deadheat.rust.types import Type


def spawn(low: Lowering, node: Node, name: str, before: str, arguments: list[Node]) -> Value:
    """Lower a spawn call; its body is run here or becomes a separate one."""
    work = arguments[0]
    closure = name in known.SPAWN_CLOSURE or before == "thread"
    if name != "block_in_place":
        kind = SiteKind.SPAWN_CLOSURE if closure else SiteKind.SPAWN_FUTURE
        note_site(low, node, kind, f"{before}::{name}" if before else name, AccessKind.WRITE, None)
    parent = node.parent
    awaited = parent is not None and parent.type in ("await_expression", "field_expression")
    if name == "block_in_place" or (closure and before != "thread"):
        with low.elsewhere():
            return _run(low, work)
    if awaited:
        return _run(low, work)
    started = low.emit(Kind.SPAWN, node, operation=f"{before}::{name}" if before else name)
    detached(low, node, lambda child: _run(child, work), offloaded=before == "thread")
    return Value(Type("JoinHandle"), deps=frozenset({(started, "")}))


def joined(low: Lowering, deps: Deps) -> Deps:
    """Which started tasks are waited for when a value with these dependences is awaited."""
    return frozenset((event, "") for event, _ in deps if event >= 0 and low.events[event].kind is Kind.SPAWN)


def detached(low: Lowering, node: Node, run: Callable[[Lowering], Value], *, offloaded: bool = False) -> None:
    """Lower what goes on by itself: a body of its own, without the guards of its parent."""
    child = Lowering(low.function, low.types, low.summaries, low.edition)
    child.file, child.shift, child.sites_allowed = low.file, low.shift, low.sites_allowed
    child.pinned, child.offloaded = low.pinned, offloaded
    child.parameter_types = low.parameter_types
    child.self_type = low.self_type
    child.depth = low.depth
    child.scopes = [{name: _captured(binding) for name, binding in scope.items()} for scope in low.scopes]
    child.frames = [Frame(len(child.scopes), 0)]
    result = run(child)
    child.leave(node, result)
    low.sites += child.sites
    low.inlined |= child.inlined
    events, exits, _ = compact(child.events, tuple(child.frames[0].exits), NOTHING)
    low.spawned.append(
        Summary(
            low.function.path,
            events,
            exits,
            NOTHING,
            parameter_types=tuple(low.parameter_types),
            spawned=tuple(child.spawned),
            truncated=child.truncated,
            start=low.where(node),
        )
    )


def _run(low: Lowering, work: Node) -> Value:
    if work.type in ("closure_expression", "async_block"):
        return run_closure(low, work, ())
    return evaluate(low, work)


def _captured(binding: Binding) -> Binding:
    value = binding.value
    return Binding(Value(value.type, value.place, (), owned=False, deps=NO_DEPS, key=value.key))
