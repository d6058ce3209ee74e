"""What rules about guards and waiting share.

Owns the kinds of guards (a lock's, a map's reference, a permit, a file lock) and the making of
findings that sit at one place instead of a check and an act. It must not know any single rule.
"""

from msgspec.structs import replace

from deadheat.model import Confidence, Finding, Severity, SharedState, Span, StateKind
from deadheat.rules.context import Context, fingerprint, shared_calls
from deadheat.rules.rule import Rule
from deadheat.rust import Event, Kind, Mode, Place, Root
from deadheat.rust.lower.guards import DROPPED_PERMIT
from deadheat.rust.types import is_async_lock

# Guards that are no lock's: a map's reference, one of many permits, a file lock.
_OTHER = frozenset({"map", "permit", "pool", "file", DROPPED_PERMIT})
MAP, POOLED = "map", frozenset({"permit", "pool"})


def is_lock(event: Event) -> bool:
    """Whether the event acquires a mutex or a reader-writer lock, waiting for it."""
    return (
        event.kind is Kind.ACQUIRE
        and event.place is not None
        and event.mark not in _OTHER
        and event.mode is not Mode.TRY
    )


def is_reference(event: Event) -> bool:
    """Whether the event takes a reference into a concurrent map, and a shard's lock with it."""
    return event.kind is Kind.ACQUIRE and event.mark == MAP


def parks(event: Event) -> bool:
    """Whether the lock is an asynchronous one: its waiters are parked tasks, not threads."""
    return is_async_lock(event.type)


def confidence_of(rule: Rule, root: Root, place: Place | None, *, sure: bool = True) -> Confidence:
    """The rule's confidence; lower for code that no request is seen to run, or a state of unknown home."""
    rank = rule.confidence.rank if sure else max(rule.confidence.rank, Confidence.MEDIUM.rank)
    if not root.serves:
        rank += 1
    if place is not None and place.root.startswith("T:"):
        rank += 1
    if root.once:
        return Confidence.LOW  # at startup there is nobody else yet
    return list(Confidence)[min(rank, Confidence.LOW.rank)]


def external(name: str) -> SharedState:
    """What is used outside memory, as a state: a service, the disk, the clock."""
    return SharedState(f"external:{name}", StateKind.EXTERNAL, name)


def spot(
    rule: Rule,
    context: Context,
    root: Root,
    at: Event,
    *,
    state: SharedState,
    message: str,
    confidence: Confidence,
    related: tuple[tuple[Span, str], ...] = (),
    handlers: tuple[str, ...] | None = None,
    severity: Severity | None = None,
    shape: str = "",
    since: Event | None = None,
) -> Finding:
    """A finding at one place: nothing was checked that an act relies on.

    `since` is the acquisition that is still held: the place is then in the function that holds it,
    the call of a helper that waits rather than the helper, which is fine alone.
    """
    depth = len(at.via) if since is None else shared_calls(since, at)
    here = (*at.via, at.where)[depth]
    outer = at.via[: min(depth, 2)]
    called = tuple((context.program.span(where), "reached through this call") for where in outer)
    if depth < len(at.via):
        called = ((context.program.span(at.where), f"inside: `{at.operation or 'waits'}`"), *called)
    found = Finding(
        rule.name,
        rule.code,
        f"{rule.title} on {state.path}",
        rule.severity,
        confidence,
        state,
        context.handlers(root, ()) if handlers is None else handlers,
        context.program.span(here),
        message,
        fingerprint(rule.name, at.function, state.path, shape or at.operation),
        cwe=rule.cwe,
        impact=rule.impact,
        related=related + called,
        fixes=rule.fixes,
    )
    return found if severity is None else replace(found, severity=severity)


def merged_handlers(roots: list[Root]) -> tuple[str, ...]:
    """The handlers of several roots, each once."""
    return tuple(dict.fromkeys(root.handler.id for root in roots if root.handler is not None))
