"""Aiming: one racer passes a 3 ms guard before a 1 ms window, the other has no guard.

The same pair of different endpoints, released at once, at the offset learned from each alone, and
at the offsets a search finds; a hit is an update lost. Fresh state each round, one warm connection.
"""

import itertools

from benchmarks import Figure, emit
from benchmarks._spread import spread
from deadheat.engine.attack.aim import Aim
from deadheat.engine.attack.rounds import latencies, race
from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Round
from deadheat.wire import choose

ROUNDS = 200
SEARCH = 400


def pair(number: int) -> tuple[Request, ...]:
    """The racers of a round."""
    return (Request("POST", f"/guarded/{number}"), Request("POST", f"/plain/{number}"))


def lost(_: int, released: Round) -> bool:
    """Both read the count before either wrote it."""
    return all(shot.response is not None and shot.response.text == "0" for shot in released.shots)


def main() -> None:
    """Race the pair three ways and print the figures."""
    numbers = itertools.count(0, 1_000)
    with spread() as target:
        origin = Origin("http", target.host, target.port)
        facts = probe(origin)
        choice = choose(facts, pair(0), origin)
        with Releaser(origin, choice.version) as releaser:
            alone = latencies(releaser, pair, first=next(numbers))
            learned = Aim(alone, groups=(0, 1)).learned
            first, second = next(numbers), next(numbers)
            at_once = aimed = 0
            for n in range(ROUNDS):
                at_once += lost(n, releaser.round(pair(first + n), choice.plan))
                aimed += lost(n, releaser.round(pair(second + n), choice.plan, learned.offsets))
            search = Aim(alone, groups=(0, 1), seed=1)
            raced = race(releaser, pair, choice.plan, lost, rounds=SEARCH, aim=search, first=next(numbers))
            found = sum(each.hit is True for each in raced)
    goal = "at least 20 times the hits of releasing at once"
    emit(
        Figure(
            "hits at the offset learned from latencies",
            f"of 1 ({aimed} of {ROUNDS}, {learned.words})",
            aimed / ROUNDS,
            peer=at_once / ROUNDS,
            peer_name=f"at once, {at_once} of {ROUNDS}",
            ratio=aimed / at_once if at_once else None,
            goal=goal,
            met=aimed >= 20 * max(at_once, 1),
        ),
        Figure(
            "hits while searching offsets",
            f"of 1 ({found} of {SEARCH}, best: {search.best.words})",
            found / SEARCH,
            peer=at_once / ROUNDS,
            peer_name=f"at once, {at_once} of {ROUNDS}",
            ratio=found / SEARCH * ROUNDS / at_once if at_once else None,
        ),
    )


if __name__ == "__main__":
    main()
