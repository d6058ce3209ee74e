"""How fast real Rocket goes through schedules, and how soon a second hunt starts."""

import time

from benchmarks import Figure, emit
from benchmarks._hunting import hunt
from benchmarks._server import LAB
from deadheat.engine.events import Event
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.target import Target
from deadheat.io import config
from deadheat.io.http import Connection
from deadheat.io.store import Store
from deadheat.model import Request, Reset
from deadheat.schedule import STRATEGIES

APPLICATION = "active-users"
SECONDS = 3.0


def schedules_a_second() -> tuple[float, float]:
    """Give schedules a second for two requests, and plain pairs of requests a second."""
    path = LAB / APPLICATION
    settings = config.load(path)
    subject = RocketSubject.open(path, settings)
    increment = Request("GET", "/increment")

    def ignore(event: Event) -> None:
        pass

    with Target(subject.build(ignore).application, Store(subject.workspace)) as target:
        target.prepare(())
        target.restart()
        schedules, began = 0, time.monotonic()
        while time.monotonic() - began < SECONDS:
            strategy = STRATEGIES["source-dpor"]()
            while (proposal := strategy.propose()) is not None:
                target.reset(Reset.SNAPSHOT)
                strategy.observe(target.concurrent((increment, increment), proposal).execution.trace)
                schedules += 1
        rate = schedules / (time.monotonic() - began)
        with Connection(target.port) as one, Connection(target.port) as other:
            pairs, began = 0, time.monotonic()
            while time.monotonic() - began < SECONDS:
                one.send(increment)
                other.send(increment)
                one.receive()
                other.receive()
                pairs += 1
        return rate, pairs / (time.monotonic() - began)


def main() -> None:
    """Measure and print."""
    hunt(APPLICATION)
    again = hunt(APPLICATION).until_exploring
    rate, pairs = schedules_a_second()
    emit(
        Figure(
            "schedules of two requests on active-users",
            "a second",
            ours=rate,
            peer=pairs,
            peer_name="plain pairs of requests, nothing held",
            ratio=rate / pairs,
            goal="at least 400 a second",
            met=rate >= 400,
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
