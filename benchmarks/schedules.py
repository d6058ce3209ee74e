"""How fast real Rocket goes through schedules, and how soon a second hunt starts."""

import time

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


def measured() -> tuple[float, float]:
    """Give schedules, and plain pairs of requests, a second."""
    with probed(APPLICATION) as target:
        rate(target, REQUESTS, 0.3)
        return rate(target, REQUESTS, SECONDS), plain_pairs(target.port)


def step_by_step(*, optimize: bool) -> float:
    """Give the schedules a second of a controller that is asked about every step."""
    with controlled(optimize=optimize) as controller:
        return step_rate(controller, SECONDS)


def main() -> None:
    """Measure and print."""
    hunt(APPLICATION)
    again = hunt(APPLICATION).until_exploring
    with one_core():
        schedules, pairs = measured()
        stepped = {optimize: step_by_step(optimize=optimize) for optimize in (False, True)}
    spread, spread_pairs = measured()
    theirs = frontrun()[APPLICATION, "rate"] or 0.0
    emit(
        Figure(
            "schedules of two requests on active-users, application and explorer on one core",
            "a second",
            ours=schedules,
            peer=pairs,
            peer_name="plain pairs of requests, nothing held",
            ratio=schedules / pairs,
            goal="at least 2,000 a second",
            met=schedules >= 2000,
        ),
        Figure(
            "the same, beside a controller outside the application, built as the prototype was",
            "a second",
            ours=schedules,
            peer=stepped[False],
            peer_name="one round trip a step",
            ratio=schedules / stepped[False],
            goal="at least 4 times the step-by-step controller's",
            met=schedules >= 4 * stepped[False],
        ),
        Figure(
            "the same, beside it in an application that is optimised like ours",
            "a second",
            ours=schedules,
            peer=stepped[True],
            peer_name="one round trip a step",
            ratio=schedules / stepped[True],
        ),
        Figure(
            "schedules of two requests on active-users, two cores",
            "a second",
            ours=spread,
            peer=spread_pairs,
            peer_name="plain pairs of requests, nothing held",
            ratio=spread / spread_pairs,
        ),
        Figure(
            "executions of two visits: ours through HTTP and Rocket, theirs the logic in two Python threads",
            "a second",
            ours=max(schedules, spread),
            peer=theirs,
            peer_name="frontrun",
            ratio=max(schedules, spread) / theirs,
            goal="at least 20 times frontrun's",
            met=max(schedules, spread) >= 20 * theirs,
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
