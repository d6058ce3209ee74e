"""Power: `deadheat attack` finds the planted races on running servers, and nothing on the fixed twins.

Each attack has 2,000 requests, in total, as its command line has by default.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jsonschema
import pytest

from deadheat.report.schema import schema
from tests.power.command import deadheat
from tests.power.lab import DATABASES, plain
from tests.power.lab import ROCKET as LAB
from tests.servers.postgres import postgres

pytestmark = [pytest.mark.rocket, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / "benchmarks" / "servers"
_LISTENING = re.compile(r"http://127\.0\.0\.1:(\d+)")

ROCKET = {
    "rate-limit": "observed",
    "admin-gate": "forced",
    "sessions": "observed",
    "signup": "observed",
}
"""Applications whose deadheat.toml says how they start over, and what is shown of their races."""


# One line says where it listens; then its log must not fill the pipe.
ENVIRONMENT: Mapping[str, str] = {"ROCKET_LOG_LEVEL": "critical"}


@contextmanager
def running(
    *command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] = ENVIRONMENT
) -> Iterator[str]:
    """Start a server, give its URL as it prints it, and end it."""
    child = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "ROCKET_PORT": "0", "ROCKET_CLI_COLORS": "false", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if found := _LISTENING.search(line):
                yield found[0]
                return
        raise AssertionError(f"{command[0]} ended before it listened")
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def attack(*words: str | Path, cwd: Path) -> tuple[int, dict[str, list[dict[str, object]]]]:
    """Attack; gives the exit code and the run, valid and within its budget."""
    done = deadheat("attack", *words, "--format", "json", "--quiet", cwd=cwd)
    assert done.stdout, done.stderr
    run = json.loads(done.stdout)
    jsonschema.validate(run, schema())
    for each in run["coverage"]["attacks"]:
        assert each["requests"] <= 2_000
    return done.returncode, run


def proofs(run: dict[str, list[dict[str, object]]]) -> set[object]:
    return {finding["proof"] for finding in run["findings"]}


@pytest.mark.parametrize("application", sorted(ROCKET))
def test_rocket(application: str, tmp_path: Path) -> None:
    for name in (application, f"{application}-fixed"):
        binary = plain(LAB, name)
        with running(binary) as url:
            code, run = attack("--url", url, "--config", LAB / name / "deadheat.toml", cwd=tmp_path)
        if name == application:
            assert (code, proofs(run)) == (1, {ROCKET[application]})
        else:
            assert run["findings"] == []
            assert code == 0 or too_busy(run), run["not_tested"]


def too_busy(run: dict[str, list[dict[str, object]]]) -> bool:
    """Whether the machine, and nothing else, kept the racers from meeting: then exit 3 is the truth."""
    whys = [str(missing["why"]) for missing in run["not_tested"]]
    busy = ("at the same time", "cores were free", "one after the other")
    return bool(whys) and all(any(sign in why for sign in busy) for why in whys)


def test_a_coupon_that_only_a_restart_brings_back(tmp_path: Path) -> None:
    for name, expected in (("coupons", 1), ("coupons-fixed", 0)):
        binary = plain(LAB, name)
        with running(binary) as url:
            pass  # a port that is free now
        code, run = attack(
            "--url", f"{url}/redeem/WELCOME10", "-X", "POST", "-n", "2", "--probe", "GET /paid-out",
            "--serve", binary, cwd=tmp_path,
        )  # fmt: skip
        assert bool(run["findings"]) == (expected == 1)
        assert code == expected or (expected == 0 and too_busy(run)), run["not_tested"]


@pytest.mark.parametrize("application", ["stock-sqlite", "stock-postgres", "signup-postgres"])
def test_databases(application: str, tmp_path: Path) -> None:
    for name in (application, f"{application}-fixed"):
        binary = plain(DATABASES, name)
        with ExitStack() as stack:
            environment = dict(ENVIRONMENT)
            if application.endswith("postgres"):
                environment["DATABASE_URL"] = stack.enter_context(postgres()).database("lab")
            url = stack.enter_context(running(binary, environment=environment))
            code, run = attack("--url", url, "--config", DATABASES / name / "deadheat.toml", cwd=tmp_path)
        if name == application:
            assert (code, proofs(run)) == (1, {"observed"})
        else:
            assert run["findings"] == []
            assert code == 0 or too_busy(run), run["not_tested"]


PYTHON = (sys.executable, "-m", "benchmarks.servers.python_shop")
NODE = ("node", SERVERS / "node_shop.mjs")


@pytest.mark.parametrize("command", [PYTHON, NODE], ids=["python", "node"])
@pytest.mark.parametrize("scenario", ["coupon-paid-twice", "one-lamp-sold-twice"])
def test_other_servers(command: tuple[str | Path, ...], scenario: str, tmp_path: Path) -> None:
    for options, expected in (((), 1), (("--fixed",), 0)):
        with running(*command, *options, cwd=ROOT) as url:
            code, run = attack("--url", url, "--config", SERVERS / "deadheat.toml", scenario, cwd=tmp_path)
        assert bool(run["findings"]) == (expected == 1)
        assert code == expected or (expected == 0 and too_busy(run)), run["not_tested"]


def test_what_timing_cannot_reach_is_said_and_is_no_pass(tmp_path: Path) -> None:
    binary = plain(LAB, "counter")
    with running(binary) as url:
        code, run = attack(
            "--url",
            f"{url}/increment",
            "-n",
            "2",
            "--source",
            LAB / "counter",
            "--rounds",
            "40",
            cwd=tmp_path,
        )
    if run["findings"]:
        # A free core and luck: timing reached it this time, and then it is a finding like any other.
        assert (code, proofs(run)) == (1, {"observed"})
        return
    assert code == 3
    (missing,) = [each for each in run["not_tested"] if str(each["what"]).startswith("DH104")]
    assert "not reachable by timing here (0 of 40 rounds" in str(missing["why"]) or too_busy(run)
    assert str(missing["mend"]).startswith("deadheat hunt ")
