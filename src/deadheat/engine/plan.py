"""Which requests to race: each handler against itself, and each pair that shares state.

Pure. Owns the choice of groups; how one request is made is `engine.requests`' business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from deadheat.model import (
    AccessKind,
    Handler,
    NotTested,
    Point,
    Preparation,
    Racer,
    Request,
    Reset,
    Review,
    Scenario,
    StateKind,
)

_RESTORED = frozenset({StateKind.MUTEX, StateKind.RWLOCK, StateKind.ATOMIC, StateKind.MAP})
_LOCKS = frozenset({StateKind.MUTEX, StateKind.RWLOCK, StateKind.ATOMIC})
_OUTSIDE = frozenset({StateKind.ROW, StateKind.DOCUMENT, StateKind.CACHE, StateKind.FILE, StateKind.EXTERNAL})
_PROBED = _RESTORED | {StateKind.CHANNEL, StateKind.STATIC} | _OUTSIDE
_MOST_LOOKS = 4  # each is asked after every schedule
_MERE_LOOKS = frozenset({AccessKind.READ, AccessKind.RELEASE})


def touched(review: Review) -> dict[str, dict[str, bool]]:
    """Give, for each handler id, the state ids it touches and whether others could notice.

    An acquisition of an exclusive lock counts: others wait for it.
    """
    result: dict[str, dict[str, bool]] = {handler.id: {} for handler in review.handlers}
    for access in review.accesses:
        states = result.setdefault(access.handler, {})
        states[access.state] = states.get(access.state, False) or access.kind not in _MERE_LOOKS
    return result


def probed(review: Review) -> dict[str, dict[str, bool]]:
    """Give the part of `touched` that probes can reach: only there can requests be made to meet."""
    reachable = {state.id for state in review.states if state.kind in _PROBED}
    return {
        handler: {state: noticed for state, noticed in states.items() if state in reachable}
        for handler, states in touched(review).items()
    }


def unprobed(review: Review, handlers: Sequence[str], points: Iterable[Point]) -> Iterator[NotTested]:
    """Give the states of these handlers that no probe stands at, although there is a kind for them."""
    reached = {point.state for point in points}
    kinds = {state.id: state for state in review.states}
    of = touched(review)
    names = {handler.id: handler.endpoint for handler in review.handlers}
    for handler in handlers:
        for state in sorted(of.get(handler, {})):
            known = kinds.get(state)
            if known is not None and known.kind not in _LOCKS and state not in reached:
                yield NotTested(
                    f"{names.get(handler, handler)} on {known.path}",
                    f"no probe could be placed at this {known.kind} state",
                )


def scenarios(
    review: Review,
    requests: Mapping[str, Request],
    sizes: Sequence[int],
    setups: Mapping[str, Sequence[Preparation]] | None = None,
) -> list[Scenario]:
    """Give the groups to race, the smallest first: what two requests can show, two should show.

    `setups` is what has to be there before a handler (by id) does its work.
    """
    of = probed(review)
    names = {handler.id: handler for handler in review.handlers}
    groups: list[tuple[str, ...]] = []
    for size in sorted(sizes):
        groups += _groups(of, sorted(requests), size)
    result: list[Scenario] = []
    for group in groups:
        reset = _reset(review, touched(review), group)
        result.append(
            Scenario(
                name=_name([names[handler] for handler in group]),
                racers=tuple(Racer(requests[handler], handler) for handler in group),
                reset=reset,
                setup=_setup([(setups or {}).get(handler, ()) for handler in group]),
                probes=_looks(review, requests, group),
            )
        )
    return result


def _looks(review: Review, requests: Mapping[str, Request], group: Sequence[str]) -> tuple[Request, ...]:
    """Give requests that only read the rows (files, keys) which the group changes: no probe shows those."""
    outside = {state.id for state in review.states if state.kind in _OUTSIDE}
    of = touched(review)
    changed = {state for handler in group for state, noticed in of.get(handler, {}).items() if noticed}
    return tuple(
        requests[handler.id]
        for handler in review.handlers
        if handler.method == "GET"
        and handler.id in requests
        and not requests[handler.id].message
        and of.get(handler.id, {}).keys() & changed & outside
        and not any(of[handler.id].values())
    )[:_MOST_LOOKS]


def with_reset(scenario: Scenario, declared: Sequence[Scenario]) -> Scenario:
    """Give it the reset that the user declared for another, where no probe can put back what it changes.

    Whether that brings its first state back is found out; if not, the process is started anew.
    """
    known = next((known for known in declared if known.reset_requests), None)
    if scenario.reset is not Reset.RESTART or known is None:
        return scenario
    return msgspec.structs.replace(
        scenario, reset_requests=known.reset_requests, probes=known.probes or scenario.probes
    )


def _groups(
    of: Mapping[str, Mapping[str, bool]], handlers: Sequence[str], size: int
) -> Iterator[tuple[str, ...]]:
    for handler in handlers:
        if _collide(of, handler, handler):
            yield (handler,) * size
    for one, other in combinations(handlers, 2):
        if _collide(of, one, other):
            for first in range(size - 1, 0, -1):
                yield (one,) * first + (other,) * (size - first)


def _collide(of: Mapping[str, Mapping[str, bool]], one: str, other: str) -> bool:
    """Whether the two share a state that at least one of them changes or locks."""
    mine, theirs = of.get(one, {}), of.get(other, {})
    return any(mine[state] or theirs[state] for state in mine.keys() & theirs.keys())


def _reset(review: Review, of: Mapping[str, Mapping[str, bool]], group: Sequence[str]) -> Reset:
    kinds = {state.id: state.kind for state in review.states}
    states = {state for handler in group for state in of.get(handler, {})}
    if all(kinds.get(state) in _RESTORED for state in states):
        return Reset.SNAPSHOT
    return Reset.RESTART


def _setup(several: Sequence[Sequence[Preparation]]) -> tuple[Request, ...]:
    """Every preparation once, in the order of the group."""
    return tuple(dict.fromkeys(step.request for setup in several for step in setup))


def _name(group: Sequence[Handler]) -> str:
    parts: list[str] = []
    for handler in dict.fromkeys(group):
        times = sum(other is handler for other in group)
        parts.append(f"{handler.name} ×{times}" if times > 1 else handler.name)
    return " + ".join(parts)
