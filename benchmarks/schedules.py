"""How fast real Rocket goes through schedules, and how soon a second hunt starts."""

import time
from typing import NamedTuple

from benchmarks import Figure, emit
from benchmarks._checkers import frontrun
from benchmarks._exploring import PROGRAMS, one_core, probed, rate
from benchmarks._hunting import hunt
from benchmarks._stepwise import controlled
from benchmarks._stepwise import rate as step_rate
from deadheat.io.http import Connection

APPLICATION = "active-users"
SECONDS = 3.0
REQUESTS = PROGRAMS[APPLICATION]


def plain_pairs(port: int) -> float:
    """Give pairs of requests a second that nobody holds, over two warm connections."""
    with Connection(port) as one, Connection(port) as other:
        pairs, began = 0, time.monotonic()
        while time.monotonic() - began < SECONDS:
            one.send(REQUESTS[0])
            other.send(REQUESTS[1])
            one.receive()
            other.receive()
            pairs += 1
        return pairs / (time.monotonic() - began)


class Measured(NamedTuple):
    """Executions a second: all orders again and again, at random, and pairs of requests that nobody holds."""

    all: float
    random: float
    pairs: float


def measured() -> Measured:
    """Measure one application."""
    with probed(APPLICATION) as target:
        rate(target, REQUESTS, 0.3)
        random = rate(target, REQUESTS, SECONDS, "walk")
        return Measured(rate(target, REQUESTS, SECONDS), random, plain_pairs(target.port))


def step_by_step(*, optimize: bool) -> float:
    """Give the schedules a second of a controller that is asked about every step."""
    with controlled(optimize=optimize) as controller:
        return step_rate(controller, SECONDS)


def main() -> None:
    """Measure and print."""
    hunt(APPLICATION)
    again = hunt(APPLICATION).until_exploring
    with one_core():
        one = measured()
        stepped = {optimize: step_by_step(optimize=optimize) for optimize in (False, True)}
    two = measured()
    theirs = {search: frontrun()[APPLICATION, f"{search}, rate"] or 0.0 for search in ("dpor", "random")}
    emit(
        Figure(
            "schedules of two requests on active-users, application and explorer on one core",
            "a second",
            ours=one.all,
            peer=one.pairs,
            peer_name="plain pairs of requests, nothing held",
            ratio=one.all / one.pairs,
            goal="at least 2,000 a second",
            met=one.all >= 2000,
        ),
        Figure(
            "the same, beside a controller outside the application, built as the prototype was",
            "a second",
            ours=one.all,
            peer=stepped[False],
            peer_name="one round trip a step",
            ratio=one.all / stepped[False],
            goal="at least 4 times the step-by-step controller's",
            met=one.all >= 4 * stepped[False],
        ),
        Figure(
            "the same, beside it in an application that is optimised like ours",
            "a second",
            ours=one.all,
            peer=stepped[True],
            peer_name="one round trip a step",
            ratio=one.all / stepped[True],
        ),
        Figure(
            "schedules of two requests on active-users, two cores",
            "a second",
            ours=two.all,
            peer=two.pairs,
            peer_name="plain pairs of requests, nothing held",
            ratio=two.all / two.pairs,
        ),
        Figure(
            "executions of two visits, sampled: ours through HTTP and Rocket, theirs in two Python threads",
            "a second",
            ours=max(one.random, two.random),
            peer=theirs["random"],
            peer_name="frontrun, random",
            ratio=max(one.random, two.random) / theirs["random"],
            goal="at least 20 times frontrun's",
            met=max(one.random, two.random) >= 20 * theirs["random"],
        ),
        Figure(
            "the same, all orders again and again",
            "a second",
            ours=max(one.all, two.all),
            peer=theirs["dpor"],
            peer_name="frontrun, DPOR",
            ratio=max(one.all, two.all) / theirs["dpor"],
        ),
        Figure(
            "second hunt with nothing changed, until it explores",
            "s",
            ours=again,
            goal="under 3 s",
            met=again < 3,
        ),
    )


if __name__ == "__main__":
    main()
