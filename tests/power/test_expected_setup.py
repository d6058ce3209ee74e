"""A set-up whose requests are refused on purpose: two wrong PINs, so that one try is left."""

import json
from pathlib import Path

import pytest

from tests.power.command import deadheat
from tests.power.lab import ROCKET as LAB
from tests.power.lab import unoptimised

pytestmark = pytest.mark.rocket


def test_a_hunt_starts_from_what_expected_refusals_made(tmp_path: Path) -> None:
    for name, verdict in (("rate-limit", "violation"), ("rate-limit-fixed", "ok")):
        config = unoptimised(LAB / name, tmp_path)
        run = json.loads(
            deadheat("hunt", LAB / name, "--config", config, "--format", "json", "--quiet").stdout
        )
        explored = {each["scenario"]: each for each in run["coverage"]["explorations"]}
        assert explored["one-try-too-many"]["complete"], run["not_tested"]
        assert explored["one-try-too-many"]["verdict"] == verdict
        forced = [f["state"]["path"] for f in run["findings"] if f["proof"] == "forced"]
        assert forced == (["Attempts.wrong"] if verdict == "violation" else [])


def test_another_answer_than_the_expected_one_is_told(tmp_path: Path) -> None:
    file = unoptimised(LAB / "rate-limit", tmp_path)
    text = file.read_text().replace("expect = 401", "expect = 403")
    assert "expect = 403" in text
    file.write_text(text)
    done = deadheat("hunt", LAB / "rate-limit", "--config", file, "--format", "json", "--quiet")
    (told,) = [e["why"] for e in json.loads(done.stdout)["not_tested"] if e["what"] == "one-try-too-many"]
    assert told == "the set-up request POST /login/ada was answered 401, not 403"
