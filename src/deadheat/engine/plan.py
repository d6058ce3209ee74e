"""Which requests to race: each handler against itself, and each pair that shares state.

Pure. Owns the choice of groups; how one request is made is `engine.requests`' business.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from deadheat.model import (
    AccessKind,
    Handler,
    NotTested,
    Preparation,
    Racer,
    Request,
    Reset,
    Review,
    Scenario,
    StateKind,
)

_PROBED = frozenset({StateKind.MUTEX, StateKind.RWLOCK, StateKind.ATOMIC})
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


def unprobed(review: Review, handlers: Sequence[str]) -> Iterator[NotTested]:
    """Give the states of these handlers that no probe reaches yet: databases, files, others."""
    kinds = {state.id: state for state in review.states}
    of = touched(review)
    names = {handler.id: handler.endpoint for handler in review.handlers}
    for handler in handlers:
        for state in sorted(of.get(handler, {})):
            known = kinds.get(state)
            if known is not None and known.kind not in _PROBED:
                yield NotTested(
                    f"{names.get(handler, handler)} on {known.path}",
                    f"probes do not reach {known.kind} state yet",
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
            )
        )
    return result


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
    if all(kinds.get(state) in _PROBED for state in states):
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
