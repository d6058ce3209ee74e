"""Files, by the symbolic name of their path.

Owns the accesses of std::fs, tokio::fs and rocket::fs, through functions, `Path` methods, open
handles and uploads. A path's identity is the expression it comes from (`path`, `"data.json"`,
`COUNTER_FILE`): two spellings of one file are two files, and one spelling is one file within a
function and what it calls.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust import outside
from deadheat.rust.ir import NO_DEPS, Deps, Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.expressions import evaluate, key_of
from deadheat.rust.lower.outside import note
from deadheat.rust.lower.sites import merge_last, note_site
from deadheat.rust.lower.values import Binding
from deadheat.rust.syntax import text_of
from deadheat.rust.types import Type, peel

ROOT = "F:"
_EFFECTS = {
    "check": Kind.READ, "read": Kind.READ, "write": Kind.WRITE, "remove": Kind.WRITE, "claim": Kind.RMW,
    "append": Kind.RMW, "passed": Kind.WRITE,
}  # fmt: skip
_PATHS = frozenset({"Path", "PathBuf"})
_LONGER = frozenset({"join", "with_extension", "with_file_name", "parent"})
# Methods after which a path is still the same path.
SAME_PATH = frozenset({"as_path", "to_path_buf", "as_os_str", "into_os_string", "display"})


def file_call(
    low: Lowering, node: Node, path: tuple[str, ...], given: list[tuple[Node, Value]]
) -> Value | None:
    """A call of a file function; None when it is none."""
    if path[-1] in ("new", "from") and len(path) > 1 and path[-2] in _PATHS and len(given) == 1:
        one, value = given[0]
        return Value(Type(path[-2]), deps=value.deps, key=key_of(one, value))
    resolved = low.types.modules.resolve(low.module, path)
    effects = outside.file_function(resolved)
    if not effects or any(at >= len(given) for at, _ in effects):
        return None
    operation = "::".join(resolved.split("::")[-2:])
    if outside.waits_for_disk(resolved):
        note(low, node, outside.BLOCKING, operation)
    flowing: Deps = NO_DEPS
    for _, value in given:
        flowing |= value.deps
    place: Place | None = None
    found: Deps = NO_DEPS
    for at, effect in effects:
        one, value = given[at]
        place = _place(one, value)
        event = _emit(low, node, place, effect, operation, path[-1], flowing | found)
        found |= {(event, "?" if effect == "check" else "")}
    if path[-2:-1] in (("File",), ("NamedFile",)):
        return Value(Type("Result", (Type("File"),)), place, deps=found)
    return Value(deps=found)


def _place(node: Node, value: Value) -> Place:
    return Place(ROOT, (f"[{key_of(node, value)}]",))


def _emit(
    low: Lowering, node: Node, place: Place, effect: str, operation: str, method: str, deps: Deps
) -> int:
    if effect != "passed":
        before = len(low.sites)
        does = AccessKind.READ if _EFFECTS[effect] is Kind.READ else AccessKind.WRITE
        # A path is an expression, and two expressions may name one file.
        note_site(low, node, SiteKind.FILE, operation, does, place, domain="files")
        merge_last(low, before)
    event = low.emit(
        _EFFECTS[effect], node, place=place, operation=operation, method=method, deps=deps, mark=effect
    )
    low.events[event].guards = (event,)
    return event


def file_method(
    low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]
) -> Value | None:
    """A method of a path, an open file, open options or an upload; None when it is none."""
    callee = node.child_by_field_name("function")
    at = callee.child_by_field_name("value") if callee is not None else None
    if at is None:
        return None
    declared = peel(receiver.type)
    short = declared.short if declared is not None else ""
    if method in outside.FILE_CHECKS and not arguments and _is_path(low, receiver, declared, method):
        note(low, node, outside.BLOCKING, f"Path::{method}")
        event = _emit(low, node, _place(at, receiver), "check", f"Path::{method}", method, receiver.deps)
        return Value(Type("bool"), deps=frozenset({(event, "?")}))
    if short in _PATHS and method in _LONGER:
        deps = receiver.deps
        for one in arguments:
            deps |= evaluate(low, one).deps
        return Value(Type("PathBuf"), deps=deps)
    if method in outside.FILE_SAVERS and len(arguments) == 1 and short not in ("Client", "Connection"):
        target = evaluate(low, arguments[0])
        event = _emit(
            low, node, _place(arguments[0], target), outside.FILE_SAVERS[method],
            f"TempFile::{method}", method, target.deps | receiver.deps,
        )  # fmt: skip
        return Value(Type("Result"), deps=frozenset({(event, "")}))
    if method == "open" and len(arguments) == 1:
        return _open_options(low, node, at, receiver, arguments[0])
    if receiver.place is not None and receiver.place.root == ROOT:
        return _handle(low, node, receiver, method, arguments)
    return None


def _is_path(low: Lowering, receiver: Value, declared: Type | None, method: str) -> bool:
    """Whether a method named like `Path`'s is called on one: what has no such method of its own is."""
    if declared is not None and declared.short in _PATHS:
        return True
    return (
        method in _SURE
        and receiver.place is None
        and (declared is None or declared.name not in low.types.items)
    )


_SURE = frozenset({"exists", "try_exists", "is_file", "is_dir"})


def passed_on(low: Lowering, node: Node, name: str, given: list[tuple[Node, Value]]) -> None:
    """A path that was looked at is given to code that cannot be seen: perhaps it makes the file."""
    looked = {
        event.place for event in low.events[-_RECENT:]
        if event.mark == "check" and event.kind is Kind.READ and event.method != "is_dir"
    }  # fmt: skip
    if name[:1].isupper() or name in ("new", "from"):
        return  # kept, not used
    for one, value in given if looked else ():
        place = _place(one, value)
        if place in looked:
            _emit(low, node, place, "passed", f"{name}(…)", name, value.deps)


_RECENT = 60


def _open_options(low: Lowering, node: Node, chain: Node, receiver: Value, argument: Node) -> Value | None:
    """`OpenOptions::new().create_new(true).open(path)`: the options tell what opening does."""
    written = "".join(text_of(chain).split())
    if "OpenOptions::" not in written and (receiver.type is None or receiver.type.short != "OpenOptions"):
        return None
    target = evaluate(low, argument)
    place = _place(argument, target)
    if "create_new(true)" in written:
        effect = "claim"
    elif "append(true)" in written:
        effect = "append"
    elif "truncate(true)" in written:
        effect = "write"
    else:
        effect = ""
    found = receiver.deps | target.deps
    if effect:
        event = _emit(low, node, place, effect, "OpenOptions::open", effect, target.deps)
        found |= {(event, "")}
    return Value(Type("Result", (Type("File"),)), place, deps=found)


def _handle(low: Lowering, node: Node, receiver: Value, method: str, arguments: list[Node]) -> Value | None:
    place = receiver.place
    assert place is not None  # the caller looked
    if method in outside.HANDLE_LOCKS:
        guard = low.emit(
            Kind.ACQUIRE, node, place=place, operation=f"File::{method}", method=method, mark="file"
        )
        low.events[guard].guards = (guard,)
        low.scopes[0][f"'{guard}"] = Binding(Value(), (guard,))  # to the end of the function at most
        return Value(Type("Result"))
    deps = receiver.deps
    for one in arguments:
        value = evaluate(low, one)
        deps |= value.deps
    if method in outside.HANDLE_READS:
        event = _emit(low, node, place, "read", f"File::{method}", method, receiver.deps)
        found = frozenset({(event, "")})
        for one in arguments:
            inner = one.child_by_field_name("value") if one.type == "reference_expression" else one
            if inner is not None and inner.type == "identifier":
                low.flow_into(text_of(inner), found)
        return Value(Type("Result"), deps=found)
    if method in outside.HANDLE_WRITES:
        event = _emit(low, node, place, "write", f"File::{method}", method, deps)
        return Value(Type("Result"), deps=frozenset({(event, "")}))
    return None


__all__ = ["ROOT", "SAME_PATH", "file_call", "file_method"]
