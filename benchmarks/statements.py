"""Schedules a second with an unmodified application's statements held before its PostgreSQL.

Two requests to `stock-postgres` (three statements each, every one a
transaction of its own) and to `transfer` (one transaction each, which wait for each other). One
schedule is: the reset request, both requests in the order asked for, and the two requests that look at
the outcome. Wants PostgreSQL's server programs and cargo.
"""

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import Figure, emit
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.io.store import Store
from deadheat.model import Request, Reset
from deadheat.schedule import Exhaustive
from tests.power.test_attack import DATABASES, built
from tests.servers.postgres import postgres

SCHEDULES = 300
GOAL = 150
RESET = (Request("POST", "/reset"),)


class Case(NamedTuple):
    """An application, what is sent to it twice at once, and where the outcome shows."""

    name: str
    request: Request
    probes: tuple[Request, ...]


CASES = (
    Case(
        "stock-postgres",
        Request("POST", "/buy/lamp"),
        (Request("GET", "/stock/lamp"), Request("GET", "/sold/lamp")),
    ),
    Case(
        "transfer",
        Request("POST", "/transfer/ada/grace/30"),
        (Request("GET", "/balance/ada"), Request("GET", "/balance/grace")),
    ),
)


def speed(case: Case, url: str, schedules: int) -> float:
    """Give the schedules a second, over all interleavings in turn."""
    application = Unmodified(case.name, (str(built(DATABASES, case.name)),), Path.cwd())
    with (
        tempfile.TemporaryDirectory() as folder,
        StatementTarget(application, PostgresGate(url), Store(Path(folder))) as target,
    ):
        target.restart()
        search = Exhaustive()
        begun = time.perf_counter()
        for _ in range(schedules):
            proposal = search.propose()
            if proposal is None:
                search = Exhaustive()
                proposal = search.propose()
                assert proposal is not None
            target.reset(Reset.REQUESTS, RESET)
            observed = target.concurrent([case.request] * 2, proposal, case.probes)
            search.observe(observed.execution.trace)
        return schedules / (time.perf_counter() - begun)


def main() -> None:
    """Measure and print."""
    with postgres() as server:
        found = [speed(case, server.database(f"case{n}"), SCHEDULES) for n, case in enumerate(CASES)]
    emit(
        Figure(
            "two requests, each statement by itself, at the proxy before PostgreSQL",
            "schedules/s",
            found[0],
            goal="≥ 150",
            met=found[0] >= GOAL,
        ),
        Figure("two transactions that wait for each other, at the proxy", "schedules/s", found[1]),
    )


if __name__ == "__main__":
    main()
