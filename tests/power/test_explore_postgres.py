"""Power: `deadheat explore --via postgres` on unmodified Rocket applications, and on their fixed twins."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.power.command import command
from tests.power.test_attack import DATABASES, built
from tests.servers.postgres import postgres

pytestmark = pytest.mark.rocket

LAB = {
    "stock-postgres": ("query-check-then-act", {2: 6, 3: 63}),
    "stock-postgres-fixed": (None, {2: 2, 3: 6}),
    "signup-postgres": ("find-then-insert", {2: 4}),
    "signup-postgres-fixed": (None, {2: 2}),
}


@pytest.mark.parametrize(
    ("application", "requests"), [(name, n) for name, (_, counts) in LAB.items() for n in counts]
)
def test_unmodified(application: str, requests: int, tmp_path: Path) -> None:
    rule, counts = LAB[application]
    package = tmp_path / application
    shutil.copytree(DATABASES / application, package, ignore=shutil.ignore_patterns(".deadheat"))
    (package / "Cargo.toml").write_text(f'[package]\nname = "{application}"\nversion = "0.0.0"\n')
    with postgres() as server:
        words: list[str | Path] = [
            "explore",
            package,
            "--via",
            "postgres",
            "--requests",
            str(requests),
            "--format",
            "json",
        ]
        words += ["--serve", str(built(DATABASES, application)), "--quiet"]
        environment = {**os.environ, "DATABASE_URL": server.database("shop")}
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
