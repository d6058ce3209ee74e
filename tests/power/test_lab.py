"""Power: the planted races of the lab must be forced, and the fixed twins proved, on real Rocket."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest

from deadheat.report.schema import schema
from tests.power.command import deadheat
from tests.power.lab import ROCKET as LAB
from tests.power.lab import unoptimised

pytestmark = pytest.mark.rocket


class Planted(NamedTuple):
    rule: str
    state: str
    handlers: frozenset[str]


def lab() -> dict[str, list[Planted]]:
    index = tomllib.loads((LAB / "lab.toml").read_text())
    return {
        app["name"]: [Planted(p["rule"], p["state"], frozenset(p["handlers"])) for p in app["planted"]]
        for app in index["app"]
        if app.get("via", "hunt") == "hunt"
    }


def hunt(application: str, folder: Path) -> subprocess.CompletedProcess[str]:
    config = unoptimised(LAB / application, folder)
    return deadheat("hunt", LAB / application, "--config", config, "--format", "json", "--quiet")


@pytest.mark.parametrize("application", sorted(lab()))
def test_every_planted_race_is_forced(application: str, tmp_path: Path) -> None:
    done = hunt(application, tmp_path)
    run = json.loads(done.stdout)
    jsonschema.validate(run, schema())
    assert done.returncode == 1, done.stderr
    forced = [f for f in run["findings"] if f["proof"] == "forced"]
    for planted in lab()[application]:
        assert any(
            f["rule"] == planted.rule
            and f["state"]["path"] == planted.state
            and {h["endpoint"] for h in f["handlers"]} & planted.handlers
            for f in forced
        ), f"{planted} is not among {[(f['rule'], f['state']['path']) for f in forced]}"
    for finding in forced:
        trials = finding["evidence"]["trials"]
        assert trials["violated"] == trials["total"] >= 20


@pytest.mark.parametrize("application", sorted(lab()))
def test_every_fixed_twin_is_proved(application: str, tmp_path: Path) -> None:
    done = hunt(f"{application}-fixed", tmp_path)
    run = json.loads(done.stdout)
    jsonschema.validate(run, schema())
    assert done.returncode == 0, done.stderr
    assert [f for f in run["findings"] if f["confidence"] != "low"] == []
    explorations = run["coverage"]["explorations"]
    assert {e["requests"] for e in explorations} == {2, 3}
    assert all(e["complete"] and e["verdict"] == "ok" for e in explorations)


def test_a_replay_reproduces_it_every_time() -> None:
    run = json.loads(deadheat("hunt", LAB / "counter", "--format", "json", "--quiet").stdout)
    proof = next(f["evidence"] for f in run["findings"] if f["proof"] == "forced")
    done = deadheat("replay", proof["schedule"], LAB / "counter", "--times", "20")
    assert done.returncode == 1, done.stderr
    assert "20 of 20" in done.stdout


def test_rocket_0_5_1_works_too(tmp_path: Path) -> None:
    source = LAB / "active-users"
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text((source / "src" / "main.rs").read_text())
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "old-rocket"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'
        'rocket = "=0.5.1"\nrocket_http = "=0.5.1"\nrocket_codegen = "=0.5.1"\n\n'
        '[profile.dev]\ndebug = "line-tables-only"\n\n[profile.dev.package."*"]\ndebug = false\n'
    )
    # What else it needs is at the lab's versions, and compiled.
    shutil.copy(LAB / "Cargo.lock", tmp_path)
    config = unoptimised(source, tmp_path)
    done = deadheat("hunt", tmp_path, "--config", config, "--format", "json", "--quiet")
    run = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert "response-re-read" in {f["rule"] for f in run["findings"] if f["proof"] == "forced"}
    assert (
        'name = "rocket"\nversion = "0.5.1"'
        in (tmp_path / ".deadheat" / "build" / "old-rocket" / "tree" / "Cargo.lock").read_text()
    )
