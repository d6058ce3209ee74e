"""Schedules a second with an unmodified application's statements held before its PostgreSQL.

Two requests to `stock-postgres` (three statements each, every one a transaction of its own) and to
`transfer` (one transaction each, which wait for each other). One schedule is: the reset request, both
requests in the order asked for, and the two requests that look at the outcome. The application is the
user's: it is built as `cargo build` does, and as `cargo build --release` does.

Beside them frontrun explores the same statements as Python threads, from the first state to the look at
the outcome: over connections that are kept, as Rocket's pool keeps them, and over new ones for each
execution. Wants PostgreSQL's server programs and cargo.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import Figure, emit
from benchmarks._checkers import frontrun_postgres
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.io.pg_proxy import Link
from deadheat.io.store import Store
from deadheat.model import Request, Reset
from deadheat.schedule import Exhaustive, Problem, SourceDpor, Strategy
from tests.power.lab import DATABASES, plain
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


class Measured(NamedTuple):
    """Schedules a second over all interleavings in turn, and how many the reduced search takes."""

    rate: float
    all: int


def released(application: str) -> Path:
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", application], cwd=DATABASES, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", DATABASES / "target"))
    return target / "release" / application


def measured(case: Case, binary: Path, url: str, schedules: int) -> Measured:
    """Explore one case over and over."""
    application = Unmodified(case.name, (str(binary),), Path.cwd())
    with (
        tempfile.TemporaryDirectory() as folder,
        StatementTarget(application, PostgresGate(url), Store(Path(folder))) as target,
    ):
        target.restart()
        all_ = run(target, case, SourceDpor(Problem(2, {1: 0})), schedules)
        begun, done = time.perf_counter(), 0
        while done < schedules:
            done += run(target, case, Exhaustive(), schedules - done)
        return Measured(done / (time.perf_counter() - begun), all_)


def run(target: StatementTarget[Link], case: Case, strategy: Strategy, most: int) -> int:
    """Explore once; gives how many schedules it took, `most` where there are more."""
    done = 0
    while done < most and (proposal := strategy.propose()) is not None:
        target.reset(Reset.REQUESTS, RESET)
        observed = target.concurrent([case.request] * 2, proposal, case.probes)
        strategy.observe(observed.execution.trace)
        done += 1
    return done


def main() -> None:
    """Measure and print."""
    stock, transfer = CASES
    with postgres() as server:
        unoptimised = measured(stock, plain(DATABASES, stock.name), server.database("plain"), SCHEDULES)
        quick = measured(stock, released(stock.name), server.database("quick"), SCHEDULES)
        waits = measured(transfer, plain(DATABASES, transfer.name), server.database("waits"), SCHEDULES)
        theirs = frontrun_postgres(server.database("frontrun"))
    emit(
        Figure(
            "two requests, each statement by itself, at the proxy before PostgreSQL",
            "schedules/s",
            unoptimised.rate,
            goal="≥ 150",
            met=unoptimised.rate >= GOAL,
        ),
        Figure("the same, the application built with --release", "schedules/s", quick.rate),
        Figure("two transactions that wait for each other, at the proxy", "schedules/s", waits.rate),
        Figure(
            "executions of two buyers: ours through HTTP, Rocket (--release) and the proxy, theirs the"
            " statements in two Python threads, connections kept",
            "a second",
            quick.rate,
            peer=theirs["kept, rate"],
            peer_name="frontrun",
            ratio=quick.rate / theirs["kept, rate"],
            goal="at least 20 times frontrun's",
            met=quick.rate >= 20 * theirs["kept, rate"],
        ),
        Figure(
            "the same, theirs with a new connection in each thread",
            "a second",
            quick.rate,
            peer=theirs["anew, rate"],
            peer_name="frontrun",
            ratio=quick.rate / theirs["anew, rate"],
        ),
        *(
            Figure(
                f"the same, theirs in two processes as requests to a server are, {words}",
                "a second",
                quick.rate,
                peer=theirs[f"{name}, rate"],
                peer_name="frontrun",
                ratio=quick.rate / theirs[f"{name}, rate"],
            )
            for name, words in (("processes kept", "kept"), ("processes anew", "started for each execution"))
        ),
        Figure(
            "executions until every order of two buyers was seen",
            "executions",
            quick.all,
            peer=theirs["kept, all"],
            peer_name="frontrun, connections kept",
            ratio=quick.all / theirs["kept, all"],
        ),
    )


if __name__ == "__main__":
    main()
