"""Power: `deadheat explore --via probes` where all state is in a database, and on the fixed twins."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power.command import deadheat
from tests.power.lab import DATABASES, unoptimised
from tests.servers.postgres import Postgres, postgres

pytestmark = pytest.mark.rocket

RULE = "query-check-then-act"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.mark.parametrize(
    ("application", "requests"),
    [
        ("orders-sqlite", 2),
        ("orders-sqlite", 3),
        ("orders-sqlite-fixed", 2),
        ("orders-sqlite-fixed", 3),
        ("orders-postgres", 2),
        ("orders-postgres", 3),
        ("orders-postgres-fixed", 2),
        ("orders-postgres-fixed", 3),
    ],
)
def test_rows_are_raced_by_probes(application: str, requests: int, server: Postgres, tmp_path: Path) -> None:
    environment = dict(os.environ)
    if "postgres" in application:
        name = f"{application.replace('-', '_')}_{requests}"
        environment["DATABASE_URL"] = server.database(name)
    done = deadheat(
        "explore",
        DATABASES / application,
        "--config",
        unoptimised(DATABASES / application, tmp_path),
        "--via",
        "probes",
        "--requests",
        str(requests),
        "--format",
        "json",
        "--quiet",
        env=environment,
    )
    report = json.loads(done.stdout)
    racy = not application.endswith("-fixed")
    assert done.returncode == (1 if racy else 0), done.stderr
    (exploration,) = report["coverage"]["explorations"]
    assert exploration["complete"], exploration["reason"]
    assert exploration["requests"] == requests
    assert {finding["rule"] for finding in report["findings"]} == ({RULE} if racy else set())
    for finding in report["findings"]:
        assert finding["proof"] == "forced"
        trials = finding["evidence"]["trials"]
        assert trials["violated"] == trials["total"] >= 20
