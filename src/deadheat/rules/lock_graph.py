"""Who holds which lock while asking for which: the lock graph and its cycles.

Owns the edges (with their gate locks: Havelund, "Using runtime analysis to guide model checking of
Java programs", 2000; Bensalem & Havelund, "Dynamic deadlock analysis of multi-threaded programs",
2005) and the search for cycles of more than two locks, within strongly connected components
(Tarjan, "Depth-first search and linear graph algorithms", 1972). It must not know findings.
"""

from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from deadheat.rules.context import Context
from deadheat.rules.sections import POOLED, is_lock
from deadheat.rust import Event, Mode, Place, Root

LONGEST = 5  # locks in a cycle; longer ones are found through a shorter one or not at all
_EDGES = 4  # tried of each pair
_CYCLES = 200


class Edge(Struct, frozen=True):
    """Somebody holds `first` and asks for `second`; `gates` are held exclusively all the while."""

    root: Root
    first: Event
    second: Event
    gates: frozenset[Place]


Edges = dict[tuple[Place, Place], list[Edge]]


def edges(context: Context) -> Edges:
    """Every pair of locks of which one is asked for under the other."""
    found: Edges = {}
    for root in context.program.roots:
        for event in root.acquired:
            if not is_lock(event) or event.place is None:
                continue
            held = [guard for guard in root.flow.held(event, surely=False) if guard.mark not in POOLED]
            if not held:
                continue
            sure = {guard.place for guard in root.flow.held(event, surely=True)
                    if guard.mode is not Mode.SHARED and guard.place is not None}  # fmt: skip
            for guard in held:
                if guard.place is None or guard.place == event.place or _siblings(guard.place, event.place):
                    continue
                gates = frozenset(sure - {guard.place})
                found.setdefault((guard.place, event.place), []).append(Edge(root, guard, event, gates))
    return found


def _siblings(one: Place, other: Place) -> bool:
    """Two elements of one collection: their names say nothing about who they are for another request."""
    return (
        one.root == other.root
        and len(one.path) == len(other.path)
        and all(a == b or (a[:1] == "[" and b[:1] == "[") for a, b in zip(one.path, other.path, strict=True))
    )


def meets(one: Edge, other: Edge) -> bool:
    """Whether `one` can wait for what `other` holds."""
    return not (one.second.mode is Mode.SHARED and other.first.mode is Mode.SHARED)


def apart(chosen: tuple[Edge, ...]) -> bool:
    """Whether no gate keeps any two of them from being inside at once."""
    seen: set[Place] = set()
    for edge in chosen:
        if seen & edge.gates:
            return False
        seen |= edge.gates
    return True


def long_cycles(graph: Edges) -> Iterator[tuple[Edge, ...]]:
    """Cycles of three locks and more, one set of edges for each; those with a chord back are left out."""
    following: dict[Place, list[Place]] = {}
    for first, second in graph:
        following.setdefault(first, []).append(second)
    rank = {place: number for number, place in enumerate(following)}
    budget = _CYCLES
    for component in _components(following):
        if len(component) < 3:
            continue
        for start in component:
            pending: list[tuple[Place, ...]] = [(start,)]
            while pending and budget:
                path = pending.pop()
                for after in following.get(path[-1], ()):
                    if after == start and len(path) > 2:
                        budget -= 1
                        chosen = _chosen(graph, path)
                        if chosen is not None:
                            yield chosen
                    elif (
                        after in component and after not in path and len(path) < LONGEST
                        and rank.get(after, 0) > rank[start] and (after, path[-1]) not in graph
                    ):  # fmt: skip
                        pending.append((*path, after))


def _chosen(graph: Edges, cycle: tuple[Place, ...]) -> tuple[Edge, ...] | None:
    steps = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    for chosen in product(*(graph[step][:_EDGES] for step in steps)):
        following = (*chosen[1:], chosen[0])
        if apart(chosen) and all(meets(one, other) for one, other in zip(chosen, following, strict=True)):
            return chosen
    return None


def _components(following: dict[Place, list[Place]]) -> list[set[Place]]:
    """Strongly connected components, without recursion."""
    order: list[Place] = []
    seen: set[Place] = set()
    for start in following:
        walk: list[tuple[Place, bool]] = [(start, False)]
        while walk:
            place, done = walk.pop()
            if done:
                order.append(place)
            elif place not in seen:
                seen.add(place)
                walk.append((place, True))
                walk += [(after, False) for after in following.get(place, ()) if after not in seen]
    backwards: dict[Place, list[Place]] = {}
    for place, afters in following.items():
        for after in afters:
            backwards.setdefault(after, []).append(place)
    found: list[set[Place]] = []
    assigned: set[Place] = set()
    for root in reversed(order):
        if root in assigned:
            continue
        component: set[Place] = set()
        pending = [root]
        while pending:
            place = pending.pop()
            if place not in assigned:
                assigned.add(place)
                component.add(place)
                pending += backwards.get(place, [])
        found.append(component)
    return found
