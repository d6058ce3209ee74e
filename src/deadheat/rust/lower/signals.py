"""What requests tell each other without a value that anybody could look at: words to wait for.

Owns the calls of `Notify`, `Barrier`, `Condvar`, broadcast channels, the receiving half of a watch channel,
and what a `Semaphore` does beside `acquire`: each is a step that others depend on. What a word says flows
nowhere: there is nothing in it that a rule could find read and then written.
"""

from collections.abc import Callable

from tree_sitter import Node

from deadheat.model import AccessKind, SiteKind
from deadheat.rust.ir import Kind, Place, Value
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.outside import receiving
from deadheat.rust.lower.sites import note_site
from deadheat.rust.types import Type, peel

_READ, _WRITE = AccessKind.READ, AccessKind.WRITE
# What is awaited until somebody says the word; with std the thread waits, and nobody calls it back.
_WAITS = {
    "Notify": frozenset({"notified", "notified_owned"}),
    "Barrier": frozenset({"wait"}),
    "broadcast::Receiver": frozenset({"recv"}),
    "watch::Receiver": frozenset({"changed", "wait_for"}),
    "watch::Sender": frozenset({"closed"}),
    "Semaphore": frozenset({"acquire_many", "acquire_many_owned"}),
}
_SAYS = {
    "Notify": frozenset({"notify_one", "notify_last", "notify_waiters"}),
    "Condvar": frozenset(
        {"notify_one", "notify_all", "wait", "wait_while", "wait_for", "wait_until", "wait_timeout",
         "wait_timeout_while", "wait_timeout_ms"}
    ),
    "broadcast::Sender": frozenset({"send", "subscribe"}),
    "broadcast::Receiver": frozenset({"try_recv", "blocking_recv", "resubscribe"}),
    "Semaphore": frozenset(
        {"try_acquire", "try_acquire_owned", "try_acquire_many", "add_permits", "close", "forget_permits"}
    ),
}  # fmt: skip
_LOOKS = {
    "broadcast::Sender": frozenset({"receiver_count", "len", "is_empty"}),
    "watch::Sender": frozenset({"subscribe"}),
    "watch::Receiver": frozenset({"has_changed"}),
    "Semaphore": frozenset({"available_permits"}),
}
# What cannot be copied: a clone is another pointer to it.
UNCLONED = frozenset({"Notify", "Barrier", "Condvar", "Semaphore"})
# What nobody looks into: that it is used tells who meets whom, and no more than that.
_EVENTS = frozenset({"Notify", "Barrier", "Condvar", "broadcast::Sender", "broadcast::Receiver"})


def signal(
    low: Lowering, node: Node, receiver: Value, method: str, given: Callable[[], object]
) -> Value | None:
    """A word said or awaited, what is `given` with it evaluated before; None when the call is none."""
    receiving(low, node, receiver, method)
    declared = peel(receiver.type)
    family = _family(declared)
    if declared is None or family is None:
        return None
    if not any(method in known.get(family, ()) for known in (_WAITS, _SAYS, _LOOKS)):
        return None
    given()
    operation = f"{declared.short}::{method}"
    place = _shared(receiver.place)
    if place is not None and family in _EVENTS and method not in _LOOKS.get(family, ()):
        # Awaiting a word takes it, as saying one changes what is there: others notice both.
        low.emit(Kind.SEND, node, place=place, type=declared, operation=operation, method=method)
    if method in _WAITS.get(family, ()):
        note_site(low, node, _waiting(node, declared), operation, _WRITE, place)
        return Value(Type("Result"), deps=receiver.deps)
    effect = _READ if method in _LOOKS.get(family, ()) else _WRITE
    note_site(low, node, SiteKind.CALL, operation, effect, place)
    if method == "available_permits" and place is not None:
        looked = low.emit(Kind.CALL, node, place=place, type=declared, operation=operation, method=method)
        return Value(deps=frozenset({(looked, "")}))
    if method in ("subscribe", "resubscribe"):
        # Both halves are one channel: what is received depends on what is sent.
        half = Type(declared.name.replace("Sender", "Receiver"), declared.args)
        return Value(half, receiver.place, deps=receiver.deps)
    return Value(deps=receiver.deps)


def _family(declared: Type | None) -> str | None:
    if declared is None:
        return None
    if declared.short in ("Sender", "Receiver"):
        parts = declared.name.split("::")
        name = "::".join(parts[-2:])
        return name if name.startswith(("broadcast::", "watch::")) else None
    return declared.short if declared.short in UNCLONED else None


def _waiting(node: Node, declared: Type) -> SiteKind:
    """Only a future that is awaited at once stops all that its task does."""
    awaited = node.parent is not None and node.parent.type == "await_expression"
    return SiteKind.WAIT if awaited and not declared.name.startswith("std::") else SiteKind.CALL


def _shared(place: Place | None) -> Place | None:
    """The place, None for one that this function made: what it belongs to is not known."""
    return None if place is None or place.root.startswith("L:") else place
