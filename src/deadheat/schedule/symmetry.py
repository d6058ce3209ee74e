"""Identical requests are interchangeable: of all orders that differ in their names, one is enough.

Owns which actors are *twins* and what follows for a search. It must not know what makes two requests
identical beyond being equal.

Theory. Where two actors run the same program from the same state, swapping their names in an execution
gives an execution, with the outcome's names swapped (Clarke, Emerson, Jha, Sistla, *Symmetry reductions
in model checking*, CAV 1998). So every execution has a renamed one in which the actors of each class take
their *first* steps in the order of their numbers, and a search may refuse all others: n! fewer for n
identical requests. What is refused is a state's transition and not a trace's: "twin before me has not
begun" makes an actor not enabled, exactly as a lock that is held does, and its twin's first step happens
before its own. Source-DPOR knows such enabledness (it reads it off the enabled sets), so its races, source
sets and sleep sets stay those of an ordinary program; a deadlock keeps its renamed form too, since a
renaming changes neither who holds nor who waits but for names.

It holds of outcomes up to the same renaming. The set of sequential outcomes is closed under it (a renamed
sequential order is a sequential order), so whether an outcome is serializable is the same for all renamed
ones, and the one explored speaks for them.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import permutations

from deadheat.schedule.trace import Trace, TraceStep


def twins_of(actors: Sequence[Hashable]) -> dict[int, int]:
    """Give, for each actor that equals an earlier one, the closest such one."""
    latest: dict[Hashable, int] = {}
    result: dict[int, int] = {}
    for number, actor in enumerate(actors):
        if actor in latest:
            result[number] = latest[actor]
        latest[actor] = number
    return result


def may_begin(actor: int, begun: frozenset[int], twins: Mapping[int, int]) -> bool:
    """Whether the actor has begun or its turn to begin has come."""
    twin = twins.get(actor)
    return twin is None or actor in begun or twin in begun


def lawful(trace: Trace, twins: Mapping[int, int]) -> tuple[TraceStep, ...]:
    """Give the steps up to the first that takes a twin's turn, with who may not begin not enabled."""
    if not twins:
        return trace.steps
    begun: frozenset[int] = frozenset()
    steps: list[TraceStep] = []
    for step in trace.steps:
        if not may_begin(step.actor, begun, twins):
            break
        enabled = frozenset(actor for actor in step.enabled if may_begin(actor, begun, twins))
        steps.append(step._replace(enabled=enabled))
        begun |= {step.actor}
    return tuple(steps)


def representatives(actors: int, twins: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    """Give the orders of whole requests in which twins come in the order of their numbers."""
    for order in permutations(range(actors)):
        place = {actor: index for index, actor in enumerate(order)}
        if all(place[earlier] < place[later] for later, earlier in twins.items()):
            yield order


def renaming(order: Sequence[int], twins: Mapping[int, int]) -> tuple[int, ...]:
    """Give for each actor the twin that plays its part in the representative of `order`."""
    members: dict[int, list[int]] = {}
    head: dict[int, int] = {}
    for actor in range(len(order)):
        head[actor] = head[twins[actor]] if actor in twins else actor
        members.setdefault(head[actor], []).append(actor)
    parts = {first: iter(several) for first, several in members.items()}
    result = [0] * len(order)
    for actor in order:
        result[actor] = next(parts[head[actor]])
    return tuple(result)
