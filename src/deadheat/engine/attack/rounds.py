"""Rounds: the same race again and again, aimed or at once.

Owns the order of measuring, aiming and releasing. It must not know what a violation is: the caller
judges a round. Nothing stops by itself before its rounds are used up; whoever iterates may stop
at any time and keeps what it has seen.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from msgspec import Struct

from deadheat.engine.attack.aim import Aim, Arm
from deadheat.io.release import Releaser
from deadheat.model import Request, Round
from deadheat.wire import ReleasePlan

Racers = Callable[[int], Sequence[Request]]
"""The racers of a round by its number: fresh ones where a racer can be sent only once."""

Judge = Callable[[int, Round], bool | None]
"""Whether a round violates; None when that cannot be told."""


class Raced(Struct, frozen=True):
    """A round, its number, how it was aimed, and the judgement."""

    number: int
    round: Round
    arm: Arm
    hit: bool | None


def groups_of(requests: Sequence[Request]) -> tuple[int, ...]:
    """Number the racers so that equal numbers mean the same method and route for all we can tell.

    Two targets that differ in numbers and identifiers alone are taken for one route.
    """
    known: dict[tuple[str, str], int] = {}
    return tuple(known.setdefault((each.method, _route(each.target)), len(known)) for each in requests)


def latencies(releaser: Releaser, racers: Racers, times: int = 9, first: int = 0) -> tuple[float, ...]:
    """Measure each racer alone: median seconds, in the order of the racers.

    One racer of each group is measured, `times` over, on rounds `first`, `first + 1`, … of its
    own; the first answer is not counted, it finds caches and pools cold. A racer that never
    answers counts as 0: there is nothing to aim at.
    """
    groups = groups_of(racers(first))
    number = first
    measured = {}
    for group in dict.fromkeys(groups):
        seen = []
        for _ in range(times + 1):
            shot = releaser.ask(racers(number)[groups.index(group)])
            number += 1
            if shot.latency is not None:
                seen.append(shot.latency)
        measured[group] = median(seen[1:] or seen or [0.0])
    return tuple(measured[group] for group in groups)


def race(
    releaser: Releaser,
    racers: Racers,
    plan: ReleasePlan,
    judge: Judge,
    *,
    rounds: int,
    aim: Aim | None = None,
    first: int = 0,
) -> Iterator[Raced]:
    """Release `rounds` rounds, numbered from `first`; with `aim` at the offsets it searches.

    Raises:
        TargetError: no connection can be had any more; what was yielded stands.
    """
    together = Arm((), "at once")
    for number in range(first, first + rounds):
        arm = aim.next() if aim is not None else together
        released = releaser.round(racers(number), plan, arm.offsets)
        hit = judge(number, released)
        if aim is not None and hit is not None:
            aim.tell(arm, hit)
        yield Raced(number, released, arm, hit)


def _route(target: str) -> str:
    path = target.partition("?")[0]
    return "/".join("*" if any(c.isdigit() for c in part) else part for part in path.split("/"))
