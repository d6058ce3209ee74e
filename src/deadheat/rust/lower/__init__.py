"""Function bodies to events.

Owns the one walk of each function's syntax. It must not know Rocket or any rule. Lowering is an
abstract interpretation: expressions evaluate to places, guards and dependences (`ir.Value`), and
what touches something that could be shared is emitted as an event (`ir.Event`).
"""

from collections.abc import Callable

from deadheat.rust.ir import NOTHING, Place, Summary, Value
from deadheat.rust.items import Function
from deadheat.rust.lower import calls, closures, control, expressions, loops, macros, methods
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.compact import compact
from deadheat.rust.lower.control import block
from deadheat.rust.lower.managed import state_key
from deadheat.rust.lower.patterns import bind
from deadheat.rust.lower.sites import FoundSite
from deadheat.rust.lower.values import Binding
from deadheat.rust.syntax import text_of
from deadheat.rust.types import GUARDS, Type, Types, argument, is_executor, is_synchronised, peel

# These register the syntax kinds that they lower.
__all__ = [
    "FoundSite",
    "Unready",
    "calls",
    "closures",
    "control",
    "expressions",
    "loops",
    "lower",
    "macros",
    "methods",
]

_PLAIN = frozenset(
    {"str", "String", "bool", "char", "usize", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64",
     "f32", "f64", "isize"}
)  # fmt: skip


class Unready(Exception):  # noqa: N818 - a request, not an error
    """A callee must be lowered first."""

    def __init__(self, function: Function) -> None:
        """`function` is the callee."""
        super().__init__(function.path)
        self.function = function


def lower(
    function: Function, types: Types, summaries: Callable[[Function], Summary | None], edition: int
) -> tuple[Summary, list[FoundSite]]:
    """The events of one function, and the places in it where a request can be held."""
    low = Lowering(function, types, summaries, edition)
    names = _parameters(low)
    body = function.body
    if body is not None:
        value = block(low, body)
        answers = function.node.child_by_field_name("return_type") is not None
        low.leave(body, _returned(low, value) if answers else NOTHING)
    frame = low.frames[0]
    events, exits, result = compact(low.events, tuple(dict.fromkeys(frame.exits)), frame.result)
    summary = Summary(
        function.path, events, exits, result, tuple(names),
        tuple(low.parameter_types), tuple(low.spawned), low.truncated,
        inlined=frozenset(low.inlined),
    )  # fmt: skip
    return summary, low.sites


def _returned(low: Lowering, result: Value) -> Value:
    """A place that is returned by value is read; one returned as a reference goes on."""
    declared = low.function.node.child_by_field_name("return_type")
    if declared is None or result.owned or declared.type == "reference_type":
        return result
    if "&" in text_of(declared) or "Guard" in text_of(declared):
        return result
    return low.use(result, low.function.body or low.function.node)


def _parameters(low: Lowering) -> list[str]:
    function = low.function
    names: list[str] = []
    if function.receiver:
        low.parameter_types.append(low.self_type)
        names.append("self")
        low.declare("self", _parameter(low, 0, low.self_type, reference=True))
    for node in function.parameters():
        pattern, written = node.child_by_field_name("pattern"), node.child_by_field_name("type")
        declared = low.types.read(written, low.module, low.self_type, low.generics)
        index = len(names)
        names.append(text_of(pattern) if pattern is not None else "_")
        low.parameter_types.append(declared)
        reference = written is not None and written.type == "reference_type"
        value = _parameter(low, index, declared, reference=reference)
        if pattern is not None:
            bind(low, pattern, value)
            if value.guards and not reference and pattern.type == "identifier":
                low.scopes[-1][names[-1]] = Binding(value, value.guards)
    return names


def _parameter(low: Lowering, index: int, declared: Type | None, *, reference: bool) -> Value:
    """What a parameter refers to: the managed value for `&State<T>`, else whatever the caller gives."""
    key = f"§{index}"
    own = frozenset({(-index - 1, "")})
    if declared is not None and declared.short == "State":
        inner = argument(declared)
        return Value(inner, Place(f"S:{state_key(inner)}") if inner is not None else None, key=key)
    guard = declared is not None and declared.short in GUARDS
    inner = peel(declared)
    shared = is_synchronised(inner) or low.types.holds_locks(inner)
    plain = (
        inner is not None and inner.name in _PLAIN and not (reference and inner.name not in ("str", "String"))
    )
    if is_executor(inner):
        return Value(declared, None, (-index - 1,), deps=own, key=key)  # perhaps a transaction of the caller
    if plain or not (reference or guard or shared):
        return Value(declared, deps=own, key=key)
    return Value(
        inner if guard else declared, Place(f"P:{index}"), (-index - 1,), owned=False, deps=own, key=key
    )
