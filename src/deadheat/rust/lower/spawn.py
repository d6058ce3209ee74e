"""Tasks and threads that a function starts.

Owns the difference between work that is awaited in place (`spawn_blocking(…).await`,
`block_in_place`) and work that goes on by itself, which becomes a body of its own: it holds none
of the locks of its parent and races with it.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import known
from deadheat.rust.ir import NO_DEPS, NOTHING, Kind, Summary, Value
from deadheat.rust.lower.builder import Frame, Lowering
from deadheat.rust.lower.closures import run_closure
from deadheat.rust.lower.compact import compact
from deadheat.rust.lower.expressions import evaluate
from deadheat.rust.lower.sites import note_site
from deadheat.rust.lower.values import Binding


def spawn(low: Lowering, node: Node, name: str, before: str, arguments: list[Node]) -> Value:
    """Lower a spawn call; its body is run here or becomes a separate one."""
    work = arguments[0]
    closure = name in known.SPAWN_CLOSURE or before == "thread"
    if name != "block_in_place":
        kind = SiteKind.SPAWN_CLOSURE if closure else SiteKind.SPAWN_FUTURE
        note_site(low, node, kind, f"{before}::{name}" if before else name, AccessKind.WRITE, None)
    parent = node.parent
    awaited = parent is not None and parent.type in ("await_expression", "field_expression")
    if name == "block_in_place" or (closure and before != "thread") or awaited:
        return _run(low, work)
    low.emit(Kind.SPAWN, node)
    child = Lowering(low.function, low.types, low.summaries, low.edition)
    child.file, child.shift, child.sites_allowed = low.file, low.shift, low.sites_allowed
    child.parameter_types = low.parameter_types
    child.self_type = low.self_type
    child.depth = low.depth
    child.scopes = [{name: _captured(binding) for name, binding in scope.items()} for scope in low.scopes]
    child.frames = [Frame(len(child.scopes), 0)]
    result = _run(child, work)
    child.leave(node, result)
    low.sites += child.sites
    events, exits, _ = compact(child.events, tuple(child.frames[0].exits), NOTHING)
    low.spawned.append(
        Summary(
            low.function.path,
            events,
            exits,
            NOTHING,
            parameter_types=tuple(low.parameter_types),
            spawned=tuple(child.spawned),
        )
    )
    return NOTHING


def _run(low: Lowering, work: Node) -> Value:
    if work.type in ("closure_expression", "async_block"):
        return run_closure(low, work, ())
    return evaluate(low, work)


def _captured(binding: Binding) -> Binding:
    value = binding.value
    return Binding(Value(value.type, value.place, (), owned=False, deps=NO_DEPS, key=value.key))
