"""Power: a schedule forced by holding commands is run again by its file, and says where it departs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.power.command import command
from tests.power.lab import DATABASES
from tests.servers.redis import redis

pytestmark = pytest.mark.rocket

SHOP = Path(__file__).parents[1] / "servers" / "redis_shop.py"
SCENARIO = """
[[scenario]]
name = "last-lamp"
racers = ["POST /buy/lamp", "POST /buy/lamp"]
probes = ["GET /"]
reset = ["POST /reset"]
"""


def test_a_replay_forces_it_again_or_says_where_it_departs(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    shutil.copytree(DATABASES / "hits-redis", package, ignore=shutil.ignore_patterns(".deadheat"))
    (package / "Cargo.toml").write_text('[package]\nname = "shop"\nversion = "0.0.0"\n')
    (package / "deadheat.toml").write_text(SCENARIO)
    with redis() as server:
        environment = {**os.environ, "REDIS_URL": server.url}

        def deadheat(*words: str | Path) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command(*words), env=environment, capture_output=True, text=True, check=False
            )

        serve = f"{sys.executable} {SHOP} get-set"
        found = deadheat("explore", package, "--via", "redis", "--serve", serve, "--quiet")
        assert found.returncode == 1, found.stderr
        (file,) = (package / ".deadheat" / "schedules").iterdir()

        again = deadheat("replay", file, package, "--times", "3", "--quiet")
        assert (again.returncode, again.stderr) == (1, "")
        assert "3 of 3" in again.stdout

        file.write_text(file.read_text().replace('"get-set"', '"lua"'))
        other = deadheat("replay", file, package, "--quiet")
        assert other.returncode == 3, other.stderr
        assert "DIVERGED: step" in other.stdout
        assert "did not come to `SET lamp`" in other.stdout
        assert f"deadheat explore {package} --scenario last-lamp --via redis" in other.stdout

        instead = deadheat("replay", file, package, "--or-explore", "--quiet")
        assert instead.returncode == 0, instead.stderr
        assert "none violates" in instead.stdout
        assert server.clients() == 0
