"""Power: an exploration that ended early goes on, and tells with the smallest requests what it found."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.power.command import deadheat

pytestmark = pytest.mark.rocket

SIGNUP = Path(__file__).parents[2] / "lab" / "rocket" / "signup"


def explored(*words: str) -> dict[str, Any]:
    done = deadheat("explore", SIGNUP, *words, "--format", "json", "--quiet")
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_it_ends_as_if_it_had_never_stopped() -> None:
    whole = explored("-n", "3", "--strategy", "source-dpor")
    cut = explored("-n", "3", "--strategy", "source-dpor", "--budget", "7")
    (stopped,) = cut["coverage"]["explorations"]
    assert (stopped["schedules"], stopped["complete"]) == (7, False)
    (mend,) = {missing["mend"] for missing in cut["not_tested"]}
    assert mend.startswith(f"deadheat explore {SIGNUP} --resume ")
    assert mend.endswith(" --budget 14")
    _, _, number = mend.removesuffix(" --budget 14").rpartition(" ")

    refused = deadheat("explore", SIGNUP, "--resume", number, "-n", "2")
    assert refused.returncode == 2
    assert "leave out the other options" in refused.stderr

    rest = explored("--resume", number, "--budget", "1000")
    (before,), (after,) = whole["coverage"]["explorations"], rest["coverage"]["explorations"]
    assert after["complete"]
    assert {**after, "seconds": 0} == {**before, "seconds": 0}

    gone = deadheat("explore", SIGNUP, "--resume", number)
    assert gone.returncode == 2
    assert f"run {number} left nothing to go on with" in gone.stderr

    # Two different passwords and what says that they are text: nothing of it matters to the race.
    (finding,) = rest["findings"]
    shrunk = finding["evidence"]["shrunk"]
    assert (shrunk["body"][0], shrunk["body"][1]) == (15, 0)
    assert (shrunk["untried"], shrunk["kept"]) == (0, ["the path"])
    assert finding["evidence"]["trials"]["violated"] == finding["evidence"]["trials"]["total"]
