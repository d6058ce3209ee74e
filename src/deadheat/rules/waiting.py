"""Locks held while something slow is waited for: what the two rules about it share.

Owns the search for calls that wait under a lock. Both rules are notes: holding the lock is often
what makes a check and an act one step, so the advice never is merely to hold it for less.
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Safety
from deadheat.rules.context import Context
from deadheat.rules.rule import Rule
from deadheat.rules.sections import confidence_of, is_lock, parks, spot
from deadheat.rust import Event, Kind, Mode, Place, Root


def under(rule: Rule, context: Context, kinds: frozenset[str], *, asynchronous: bool) -> Iterable[Finding]:
    """Calls of the `kinds` under an exclusive lock, asynchronous or thread-blocking; one a guard."""
    for root in context.program.roots:
        if not root.serves:
            continue
        done: set[int] = set()
        for event in root.events:
            if event.kind is not Kind.CALL or event.method not in kinds or not root.flow.is_live(event):
                continue
            for guard in root.flow.held(event, surely=True):
                if guard.id not in done and is_lock(guard) and parks(guard) is asynchronous:
                    if guard.mode is Mode.SHARED or guard.type is None:
                        continue
                    done.add(guard.id)
                    yield _finding(rule, context, root, guard, event)


def _finding(rule: Rule, context: Context, root: Root, guard: Event, event: Event) -> Finding:
    place = guard.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, guard.type), context.who(root)
    span = context.program.span(guard.where)
    waits = "their workers' threads stand still" if not parks(guard) else "they are parked"
    message = (
        f"{one} holds `{state.path}` (line {span.start_line}) while it waits for `{event.operation}`. "
        "Every other "
        f"request for `{state.path}` waits as long as that takes; {waits}. If the lock makes a check "
        "and an act "
        f"one step, keep it and bound the wait; moving the wait out of it opens that window."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=Confidence.LOW if _keeps_a_file(root, guard) else confidence_of(rule, root, place),
        related=((span, f"`{state.path}` is acquired here and still held"),),
        since=guard,
    )  # fmt: skip


def _keeps_a_file(root: Root, guard: Event) -> bool:
    """Whether the lock is what makes reading a file and writing it one step: then it has to wait."""
    touched: dict[Place, set[Kind]] = {}
    for event in root.events:
        if event.place is None or event.place.root != "F:" or event.kind not in (Kind.READ, Kind.WRITE):
            continue
        if root.flow.must[event.id] >> guard.id & 1:
            touched.setdefault(event.place, set()).add(event.kind)
    return any(len(kinds) > 1 for kinds in touched.values())


BOUND_OR_CLAIM = (
    Fix(
        "bound the wait (`timeout`) and keep the lock",
        Safety.UNSAFE,
        "the check and the act stay one step, and nobody waits without end",
        "the failure has to be answered, and the half-done work undone",
    ),
    Fix(
        "claim under the lock, wait without it, and settle the claim under it again",
        Safety.UNSAFE,
        "the lock is short, and what was claimed cannot be claimed twice",
        "a state in between, and the way back has to be written",
    ),
)
