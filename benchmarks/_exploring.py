"""Real applications of the lab under the probes, for benchmarks: how fast, and how soon a bug is found."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from benchmarks._server import LAB
from deadheat.engine.explore import Search
from deadheat.engine.laps import AHEAD
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.target import Target
from deadheat.io import config
from deadheat.io.store import Store
from deadheat.model import Racer, Request, Reset, Scenario
from deadheat.model.config import Explore
from deadheat.oracle import Canon
from deadheat.schedule import STRATEGIES, Problem

PROGRAMS = {
    "active-users": (Request("GET", "/increment"),) * 2,
    "counter": (Request("GET", "/increment"),) * 2,
    "coupons": (Request("POST", "/redeem/WELCOME10"),) * 2,
    "deadlock": (Request("POST", "/to-savings"), Request("POST", "/to-checking")),
}
"""The programs that the peers have an equivalent of, and the requests that race in them."""


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def probed(application: str) -> Iterator[Target]:
    """An application of the lab with its probes, started."""
    path = LAB / application
    subject = RocketSubject.open(path, config.load(path))
    with Target(subject.build(lambda _: None).application, Store(subject.workspace)) as target:
        target.prepare(())
        target.restart()
        yield target


def rate(target: Target, requests: tuple[Request, ...], seconds: float, search: str = "source-dpor") -> float:
    """Give schedules a second, each from the first state, outcomes compared: all orders again and again.

    A search that samples draws that long instead.
    """
    canon = Canon()
    schedules, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        strategy = STRATEGIES[search](Problem(len(requests)))
        while (proposal := strategy.propose()) is not None and time.monotonic() - began < seconds:
            target.reset(Reset.SNAPSHOT)
            observed = target.concurrent(requests, proposal, (), strategy.ahead(AHEAD))
            canon.outcome(observed.observation)
            strategy.observe(observed.execution.trace)
            schedules += 1
    return schedules / (time.monotonic() - began)


def schedules_to(target: Target, requests: tuple[Request, ...], limits: Explore, enough: int) -> int:
    """Give how many schedules an exploration takes until it has seen `enough` violations, or all orders.

    Raises:
        RuntimeError: it ended for another reason.
    """
    scenario = Scenario("benchmark", tuple(map(Racer, requests)), reset=Reset.SNAPSHOT)
    limits = msgspec.structs.replace(limits, enough=enough)
    search = Search(target, scenario, limits, lambda *_: ())
    for _ in search.events():
        pass
    if not search.violating:
        raise RuntimeError(f"no race was found in {search.schedules} schedules")
    return search.schedules
