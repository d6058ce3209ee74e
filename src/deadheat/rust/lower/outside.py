"""Calls that act outside memory, as events.

Owns the emission of `Kind.CALL` events (waiting, other services, fresh values, one-shot channels)
and of messages into channels. Files are `files`' business; which call is of which class is
`deadheat.rust.outside`'s.
"""

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust.ir import NO_DEPS, Deps, Kind, Mode, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.sites import note_site
from deadheat.rust.outside import ASK, BLOCKING, EXTERNAL, UNIQUE, call_class
from deadheat.rust.types import Type, peel

_RECEIVERS = frozenset({"Receiver", "UnboundedReceiver"})
_SENDERS = frozenset({"Sender", "UnboundedSender", "SyncSender"})
_UNIQUE_METHODS = frozenset({"gen", "gen_range", "random", "random_range", "sample", "next_u64", "next_u32"})
_ASKING = frozenset({"get", "post"})  # `reqwest::get(url)`, `ureq::post(url)`
_PROCESS = frozenset({"output", "status", "spawn", "wait", "wait_with_output"})


def outside_call(low: Lowering, node: Node, path: tuple[str, ...], deps: Deps) -> Value | None:
    """A call by path; None when it does nothing outside memory."""
    resolved = low.types.modules.resolve(low.module, path)
    kind = call_class(resolved)
    if kind is None:
        return None
    if path[-1] in _ASKING and kind in (EXTERNAL, BLOCKING):
        _asks(low, node, "::".join(resolved.split("::")[-2:]))
    event = note(low, node, kind, "::".join(resolved.split("::")[-2:]), deps)
    found = frozenset({(event, "")})
    if kind is ASK:
        half = Value(deps=found)
        return Value(Type("(tuple)", (Type("oneshot::Sender"), Type("oneshot::Receiver"))), deps=found,
                     parts=(half, half))  # fmt: skip
    if kind is UNIQUE:
        return Value(Type(path[-2] if len(path) > 1 else path[-1]), deps=found)
    return Value(deps=deps | found)


def note(low: Lowering, node: Node, kind: str, operation: str, deps: Deps = NO_DEPS) -> int:
    """An effect outside memory happens here."""
    return low.emit(Kind.CALL, node, operation=operation, method=kind, deps=deps)


def _asks(low: Lowering, node: Node, operation: str) -> None:
    """Another service is asked: what that touches, perhaps our own database, nobody here knows."""
    note_site(low, node, SiteKind.EXTERNAL, operation, AccessKind.WRITE, None, wide=True)


def outside_method(low: Lowering, node: Node, receiver: Value, method: str, arguments: int) -> int | None:
    """A method that asks another service, starts a process or draws a random value."""
    declared = peel(receiver.type)
    short = declared.short if declared is not None else ""
    if method in ("send", "execute") and declared is not None and _is_client(declared):
        kind = BLOCKING if "blocking" in declared.name else EXTERNAL
        _asks(low, node, f"{short}::{method}")
        return note(low, node, kind, f"{short}::{method}", receiver.deps)
    if method == "send" and not arguments and declared is None:
        # A request builder: channels are given what they send.
        _asks(low, node, "send")
        # Nobody can wait for a future in a function that is not asynchronous: it was the thread that waited.
        kind = BLOCKING if not (low.function.is_async or _is_awaited(node) or _is_a_future(low)) else EXTERNAL
        return note(low, node, kind, "send", receiver.deps)
    if short == "Command" and method in _PROCESS and declared is not None:
        waits = "tokio" not in declared.name and method != "spawn"
        return note(low, node, BLOCKING if waits else EXTERNAL, f"Command::{method}", receiver.deps)
    if method == "block_on":
        return note(low, node, BLOCKING, "block_on", receiver.deps)
    if method in _UNIQUE_METHODS and receiver.deps:
        drawn = any(event >= 0 and low.events[event].method == UNIQUE for event, _ in receiver.deps)
        if drawn:
            return note(low, node, UNIQUE, method, receiver.deps)
    return None


def _is_awaited(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "await_expression"


def _is_a_future(low: Lowering) -> bool:
    """Whether the function hands out something that its caller waits for."""
    return b"Fut" in (getattr(low.function.node.child_by_field_name("return_type"), "text", b"") or b"")


_POOLS = frozenset({"Pool", "PgPool", "SqlitePool", "MySqlPool", "AnyPool", "ConnectionPool"})
_TAKES = {
    "Semaphore": frozenset({"acquire", "acquire_owned", "acquire_many"}),
    "Pool": frozenset({"acquire", "get", "get_timeout", "get_conn", "get_owned"}),
}


def permit(low: Lowering, node: Node, receiver: Value, method: str) -> Value | None:
    """One of a bounded number taken: a semaphore's permit, a pool's connection.

    Its guard is shared: as many may be held at once as there are, so it protects nothing.
    """
    declared = peel(receiver.type)
    if declared is None or receiver.place is None:
        return None
    short = "Pool" if declared.short in _POOLS else declared.short
    if method not in _TAKES.get(short, ()):
        return None
    if short == "Semaphore" and "many" not in method:
        note_site(low, node, SiteKind.LOCK, f"Semaphore::{method}", AccessKind.WRITE, receiver.place)
    taken = low.acquire(node, receiver.place, declared, Mode.SHARED, f"{declared.short}::{method}").guards
    low.events[taken[0]].mark = "permit" if short == "Semaphore" else "pool"
    return Value(
        Type("LockResult", (Type("Connection") if short == "Pool" else None,)), None, taken, owned=True
    )


def _is_client(declared: Type) -> bool:
    return declared.short in ("RequestBuilder", "SmtpTransport", "AsyncSmtpTransport") or (
        declared.short == "Client" and any(name in declared.name for name in ("reqwest", "surf", "awc"))
    )


def is_sender(declared: Type | None) -> bool:
    """Whether the type is the sending half of a queue (not of a one-shot or a broadcast)."""
    declared = peel(declared)
    if declared is None or declared.short not in _SENDERS:
        return False
    return not any(family in declared.name for family in ("oneshot", "broadcast", "watch"))


def receiving(low: Lowering, node: Node, receiver: Value, method: str) -> None:
    """`receiver.recv()`: what a task does from here on, it does for whoever sent what it is given."""
    declared = peel(receiver.type)
    if method == "recv" and declared is not None and declared.short in _RECEIVERS and _is_tokio(declared):
        note_site(low, node, SiteKind.RECEIVE, f"{declared.short}::recv", AccessKind.WRITE, None)


def _is_tokio(declared: Type | None) -> bool:
    return declared is not None and "tokio" in declared.name and "::mpsc::" in declared.name


_SENDS = frozenset(
    {"send", "try_send", "blocking_send", "send_timeout", "unbounded_send", "send_async", "send_deadline"}
)  # fmt: skip


def send(low: Lowering, node: Node, receiver: Value, method: str, deps: Deps) -> Value | None:
    """`sender.send(message)`: the message and what it carries go to whoever receives."""
    if method not in _SENDS:
        return None
    if receiver.place is None or not is_sender(receiver.type):
        return None
    declared = peel(receiver.type)
    # The receiver's turn, and its answer if there is one, are part of the step: nothing holds it.
    kind = SiteKind.SEND if _is_tokio(declared) else SiteKind.CALL
    note_site(low, node, kind, f"Sender::{method}", AccessKind.WRITE, receiver.place)
    event = low.emit(
        Kind.SEND, node, place=receiver.place, type=declared, operation=f"Sender::{method}", method=method,
        deps=deps,
    )  # fmt: skip
    return Value(Type("Result"), deps=frozenset({(event, "")}))
