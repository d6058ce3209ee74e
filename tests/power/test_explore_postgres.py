"""Power: `deadheat explore --via postgres` on unmodified Rocket applications, and on their fixed twins."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power.command import command
from tests.power.lab import DATABASES, plain
from tests.servers.postgres import Postgres, postgres

pytestmark = pytest.mark.rocket

LAB = {
    "stock-postgres": ("query-check-then-act", {2: 5, 3: 45}),
    "stock-postgres-fixed": (None, {2: 1, 3: 1}),
    "signup-postgres": ("find-then-insert", {2: 4}),
    "signup-postgres-fixed": (None, {2: 2}),
    "orders-diesel": ("query-check-then-act", {2: 5, 3: 45}),
    "orders-diesel-fixed": (None, {2: 2, 3: 8}),
    "transfer": ("row-read-modify-write", {2: 5, 3: 51}),
    "transfer-fixed": (None, {2: 3, 3: 12}),
    "transfer-serializable": (None, {2: 12}),  # three take 3804 orders, and minutes
}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.mark.parametrize(
    ("application", "requests"), [(name, n) for name, (_, counts) in LAB.items() for n in counts]
)
def test_unmodified(server: Postgres, application: str, requests: int, tmp_path: Path) -> None:
    rule, counts = LAB[application]
    package = tmp_path / application
    shutil.copytree(DATABASES / application, package, ignore=shutil.ignore_patterns(".deadheat"))
    (package / "Cargo.toml").write_text(f'[package]\nname = "{application}"\nversion = "0.0.0"\n')
    words: list[str | Path] = ["explore", package, "--via", "postgres", "--requests", str(requests)]
    words += ["--serve", str(plain(DATABASES, application)), "--format", "json", "--quiet"]
    url = server.database(f"{application}-{requests}".replace("-", "_"))
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command(*words), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if rule else 0), done.stderr
    report = json.loads(done.stdout)
    (exploration,) = report["coverage"]["explorations"]
    assert exploration["complete"]
    assert exploration["schedules"] == counts[requests]
    assert {finding["rule"] for finding in report["findings"]} == ({rule} if rule else set())
    for finding in report["findings"]:
        assert finding["proof"] == "forced"
        trials = finding["evidence"]["trials"]
        assert trials["violated"] == trials["total"] >= 20
        assert "--via postgres" in finding["evidence"]["again"]
