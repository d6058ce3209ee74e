"""A witness made small: fewest requests, then fewest switches between them, then the smallest requests.

Owns what is tried of requests and switches (`bodies`: of what is in a request). It must not know how a
schedule was found.
A smaller one counts when it shows the same finding three times running. Greedy, one change at a time,
until none helps: the result is minimal to these changes (1-minimal: Zeller and Hildebrandt, *Simplifying
and isolating failure-inducing input*, IEEE TSE 28(2), 2002), not the smallest there is. Which switches
matter is what Choi and Zeller looked for (*Isolating failure-inducing thread schedules*, ISSTA 2002).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby

import msgspec

from deadheat.engine.baseline import Unexplorable
from deadheat.engine.candidate import Candidate
from deadheat.engine.explore import Classify, Search
from deadheat.engine.shrink.bodies import Bodies
from deadheat.engine.shrink.same import same
from deadheat.model import Scenario, Shrunk, TargetError

_TRIES = 60  # orders for one witness
_TRIES_STUCK = 6  # the same where each one costs a start of the application
_FEWEST = 2  # switches of the smallest race of two requests: one goes, the other, the first again


def shrunk(
    search: Search,
    candidate: Candidate,
    name: str,
    classes: Callable[[Scenario], Classify],
    secrets: Collection[str] = (),
) -> tuple[Search, Candidate, Shrunk | None]:
    """Give a smaller witness of finding `name` with the search of its requests, or the same ones.

    `classes` tells, for a scenario, which findings an execution of it shows. Last comes what became of
    the requests themselves, None where nothing in them can be left out; no part of `secrets` is shown.
    """
    search, candidate = _fewer_requests(search, candidate, name, classes)
    candidate = _fewer_switches(search, candidate, name)
    return Bodies(search, candidate, name, classes, secrets).shrunk()


def joined(order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Give the orders in which two blocks of one request are made one, at the place of either."""
    blocks = [tuple(block) for _, block in groupby(order)]
    for first in range(len(blocks)):
        for second in range(first + 2, len(blocks)):
            if blocks[first][0] != blocks[second][0]:
                continue
            before, between, after = blocks[:first], blocks[first + 1 : second], blocks[second + 1 :]
            both = blocks[first] + blocks[second]
            for arranged in ((*before, both, *between, *after), (*before, *between, both, *after)):
                yield tuple(actor for block in arranged for actor in block)


def _fewer_requests(
    search: Search, candidate: Candidate, name: str, classes: Callable[[Scenario], Classify]
) -> tuple[Search, Candidate]:
    racers = search.scenario.racers
    if len(racers) <= _FEWEST:
        return search, candidate
    for left_out in range(len(racers)):
        fewer = racers[:left_out] + racers[left_out + 1 :]
        scenario = msgspec.structs.replace(search.scenario, racers=fewer)
        smaller = Search(search.target, scenario, search.limits, classes(scenario))
        order = [actor - (actor > left_out) for actor in candidate.order if actor != left_out]
        try:
            smaller.baseline()
        except (Unexplorable, TargetError):
            search.target.abandon()
            continue
        kept = same(smaller, order, name, candidate)
        if kept is not None:
            smaller.schedules = smaller.violating = 1  # of these requests this order alone was run
            return _fewer_requests(smaller, kept, name, classes)
    search.target.prepare(search.scenario.preparations)
    return search, candidate


def _fewer_switches(search: Search, candidate: Candidate, name: str) -> Candidate:
    left = _TRIES_STUCK if candidate.verdict.deadlock else _TRIES
    tried: set[tuple[int, ...]] = set()
    while candidate.cost[0] > _FEWEST:
        for order in joined(candidate.order):
            if left <= 0:
                return candidate
            if order in tried:
                continue
            tried.add(order)
            left -= 1
            smaller = same(search, order, name, candidate)
            if smaller is not None and smaller.cost < candidate.cost:
                candidate = smaller
                break
        else:
            return candidate
    return candidate
