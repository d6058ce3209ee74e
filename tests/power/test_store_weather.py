"""The database goes away, or the user, in the middle of an exploration: nothing lost, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.power.command import LIMIT, command, deadheat
from tests.servers.postgres import Postgres, postgres

pytestmark = pytest.mark.rocket

SHOP = Path(__file__).parents[1] / "servers" / "pg_shop.py"
SOURCE = (
    '#[post("/buy")]\nfn buy() {}\n#[launch]\nfn rocket() -> _ { rocket::build().mount("/", routes![buy]) }\n'
)
CONFIG = """
[[scenario]]
name = "buyers"
racers = ["POST /buy", "POST /buy"]
probes = ["GET /"]
reset = ["POST /reset"]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "shop"\nversion = "0.0.0"\n[dependencies]\nrocket = "0.5"\n'
    )
    (tmp_path / "src" / "main.rs").write_text(SOURCE)
    (tmp_path / "deadheat.toml").write_text(CONFIG)
    return tmp_path


@contextmanager
def exploring(
    package: Path, server: Postgres, mode: str, requests: int, *resume: str
) -> Iterator[subprocess.Popen[str]]:
    """`deadheat explore` on the shop, once it is under way."""
    words = ["explore", package, "--quiet", "--format", "json", *resume]
    if not resume:
        words += ["--via", "postgres", "--requests", requests]
        words += ["--serve", f"{sys.executable} {SHOP} {mode} {package.name}"]
    url = server.url("shop") if resume else server.database("shop")
    running = subprocess.Popen(
        command(*map(str, words)),
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # A connection each and our own: the requests are concurrent, the sequential orders are behind us.
        until(lambda: running.poll() is not None or int(server.sql(OPEN)) > requests)
        assert running.poll() is None, running.communicate()[1]
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop'"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.05)  # somebody else's processes: there is nothing to await


def orders(run: dict[str, Any]) -> int:
    (exploration,) = run["coverage"]["explorations"]
    return int(exploration["schedules"])


def resumable(run: dict[str, Any]) -> str:
    """The number of the run, which a mend names; what else was not tested may have another."""
    mends = "\n".join(missing["mend"] for missing in run["not_tested"])
    (number,) = set(re.findall(r" --resume (\d+)", mends))
    return str(number)


def processes(mark: str) -> list[str]:
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes()
        except OSError:
            continue
        if SHOP.name.encode() in words and mark.encode() in words and b"explore" not in words:
            found.append(words.decode())
    return found


def ended(running: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    output, errors = running.communicate(timeout=LIMIT)
    return running.returncode, json.loads(output), errors


def test_the_user_ends_it(package: Path) -> None:
    with postgres() as server:
        with exploring(package, server, "transaction", 5) as running:
            assert processes(package.name)
            running.send_signal(signal.SIGINT)
            code, run, errors = ended(running)
        assert code in {1, 3}, errors
        assert run["coverage"]["interrupted"], run
        until(lambda: server.sql(OPEN) == "0")
        assert processes(package.name) == []
        number = resumable(run)
        with exploring(package, server, "transaction", 5, "--resume", number) as running:
            running.send_signal(signal.SIGINT)
            code, later, errors = ended(running)
        assert code in {1, 3}, errors
        assert orders(later) >= orders(run), "it went on from there"
        assert resumable(later) == number


def test_the_server_is_gone(package: Path) -> None:
    with postgres() as server:
        with exploring(package, server, "transaction", 5) as running:
            os.kill(server.pid, signal.SIGQUIT)
            code, run, errors = ended(running)
        assert code == 3, errors
        assert "cannot be reached" in json.dumps(run["not_tested"])
        assert processes(package.name) == []
        assert resumable(run)


def test_a_server_that_drops_its_clients_is_met_again(package: Path) -> None:
    with postgres() as server:
        with exploring(package, server, "for-update", 4) as running:
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'")
            code, run, _ = ended(running)
        assert code == 0, json.dumps(run["not_tested"])
        assert run["not_tested"] == [], run["not_tested"]
        until(lambda: server.sql(OPEN) == "0")
        assert processes(package.name) == []


def test_what_its_budget_cut_short_is_complete_once_it_is_raised(package: Path) -> None:
    """On another server, too: statements keep their numbers from one process to the next."""
    words: list[str | Path] = [
        "explore",
        package,
        "--via",
        "postgres",
        "-n",
        "3",
        "--strategy",
        "source-dpor",
    ]
    words += ["--serve", f"{sys.executable} {SHOP} transaction {package.name}", "--quiet", "--format", "json"]

    def explored(server: Postgres, *more: str) -> dict[str, Any]:
        done = deadheat(*more, env={**os.environ, "DATABASE_URL": server.url("shop")})
        assert done.returncode == 1, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    with postgres() as server:
        server.database("shop")
        whole = explored(server, *map(str, words))
        cut = explored(server, *map(str, words), "--budget", "10")
    assert orders(cut) == 10
    with postgres() as server:
        server.database("shop")
        again = ["explore", str(package), "--resume", resumable(cut), "--budget", "100"]
        rest = explored(server, *again, "--quiet", "--format", "json")
    (before,), (after,) = whole["coverage"]["explorations"], rest["coverage"]["explorations"]
    assert after["complete"]
    assert {**after, "seconds": 0} == {**before, "seconds": 0}
    assert rest["findings"][0]["evidence"]["schedule"] == whole["findings"][0]["evidence"]["schedule"]
