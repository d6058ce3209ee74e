"""Power: `deadheat explore --via redis` on unmodified Rocket applications, and on their fixed twins."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.power.command import command
from tests.power.lab import DATABASES, plain
from tests.servers.redis import redis

pytestmark = pytest.mark.rocket

LAB = {
    # All requests share one connection.
    "hits-redis": ("get-then-set", {2: 9, 3: 99}),
    "hits-redis-fixed": (None, {2: 2, 3: 6}),
}


@pytest.mark.parametrize(
    ("application", "requests"), [(name, n) for name, (_, most) in LAB.items() for n in most]
)
def test_unmodified(application: str, requests: int, tmp_path: Path) -> None:
    rule, most = LAB[application]
    package = tmp_path / application
    shutil.copytree(DATABASES / application, package, ignore=shutil.ignore_patterns(".deadheat"))
    manifest = f'[package]\nname = "{application}"\nversion = "0.0.0"\n[dependencies]\nredis = "*"\n'
    (package / "Cargo.toml").write_text(manifest)
    with redis() as server:
        words: list[str | Path] = ["explore", package, "--via", "redis", "--requests", str(requests)]
        words += ["--format", "json", "--serve", str(plain(DATABASES, application)), "--quiet"]
        environment = {**os.environ, "REDIS_URL": server.url}
        done = subprocess.run(command(*words), env=environment, capture_output=True, text=True, check=False)
        assert server.clients() == 0
    assert done.returncode == (1 if rule else 0), done.stderr
    report = json.loads(done.stdout)
    (exploration,) = report["coverage"]["explorations"]
    assert exploration["complete"]
    assert exploration["schedules"] <= most[requests]
    assert {finding["rule"] for finding in report["findings"]} == ({rule} if rule else set())
    for finding in report["findings"]:
        assert finding["proof"] == "forced"
        trials = finding["evidence"]["trials"]
        assert trials["violated"] == trials["total"] >= 20
        assert "--via redis" in finding["evidence"]["again"]
