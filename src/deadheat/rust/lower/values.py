"""Variables and values where paths join.

Owns merging: what is known after a branch is what either arm may have left. A guard that one
path still owns is still owned.
"""

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.ir import Deps, Value, existence
from deadheat.rust.syntax import text_of


class Binding(Struct, frozen=True):
    """A variable: its value, and the guards it will release at the end of its scope."""

    value: Value
    owned: tuple[int, ...] = ()


def with_deps(value: Value, deps: Deps) -> Value:
    """The value, depending on `deps`."""
    return Value(
        value.type, value.place, value.guards, value.owned, deps, value.key, value.parts, value.query
    )


def is_clone(arguments: list[Node]) -> bool:
    """Whether a mapping only copies (`.map(Arc::clone)`)."""
    return len(arguments) == 1 and text_of(arguments[0]).endswith("::clone")


def mapped(method: str, found: Deps, produced: Deps) -> Deps:
    """What `option.map(closure)` depends on: on the option only whether there is something in it."""
    own = {event for event, _ in found}
    if method not in ("map", "and_then") or not any(event not in own for event, _ in produced):
        return found | produced
    there = frozenset((event, part.removesuffix(f"{method}()").rstrip(".")) for event, part in found)
    return existence(there) | frozenset(dep for dep in produced if dep not in found)


def merge_values(one: Value, other: Value) -> Value:
    """What is known of a value that came along either of two paths."""
    if one is other:
        return one
    return Value(
        one.type or other.type,
        one.place or other.place,
        tuple(dict.fromkeys(one.guards + other.guards)),
        one.owned or other.owned,
        one.deps | other.deps,
        one.key if one.key == other.key else None,
        _merge_parts(one, other),
        one.query if one.query == other.query else None,
    )


def _merge_parts(one: Value, other: Value) -> tuple[Value, ...]:
    """Element by element; a path without elements (an error, say) may have told about any of them."""
    if one.query is not None or other.query is not None:
        return one.parts if len(one.parts) == len(other.parts) else ()
    if len(one.parts) == len(other.parts):
        return tuple(merge_values(left, right) for left, right in zip(one.parts, other.parts, strict=True))
    if one.parts and other.parts:
        return ()
    apart = other.deps if one.parts else one.deps
    return tuple(with_deps(part, part.deps | apart) for part in one.parts or other.parts)


def merge_scopes(environments: list[list[dict[str, Binding]]]) -> list[dict[str, Binding]]:
    """Join the variables of several paths; a guard that one path still owns is still owned."""
    first = environments[0]
    if len(environments) == 1:
        return first
    merged: list[dict[str, Binding]] = []
    for level, scope in enumerate(first):
        joined = dict(scope)
        for other in environments[1:]:
            if level >= len(other):
                continue
            for name, binding in other[level].items():
                mine = joined.get(name)
                if mine is None:
                    joined[name] = binding
                elif mine is not binding:
                    joined[name] = Binding(
                        merge_values(mine.value, binding.value),
                        tuple(dict.fromkeys(mine.owned + binding.owned)),
                    )
        merged.append(joined)
    return merged
