"""Power: races on state that is no lock are forced; a worker fed by messages, a home-made lock are clean."""

import json
import shutil
from pathlib import Path

import pytest

from tests.power.command import deadheat

pytestmark = pytest.mark.rocket

APPLICATION = Path(__file__).parent.parent / "apps" / "kinds"
RACED = {
    ("atomic-load-then-store", "Desk.next"),
    ("atomic-load-then-store", "Desk.level"),
    ("once-get-then-set", "Desk.first"),
    ("static-mut", "HITS"),
}


def test_streams_cells_watch_channels_and_plain_statics_are_held(tmp_path: Path) -> None:
    folder = tmp_path / "kinds"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("target", ".deadheat"))
    done = deadheat("hunt", folder, "--format", "json", "--quiet")
    assert done.returncode == 1, done.stderr
    run = json.loads(done.stdout)
    assert {(f["rule"], f["state"]["path"]) for f in run["findings"] if f["proof"] == "forced"} == RACED
    assert run["coverage"]["probes_dropped"] == 0
    clean = {e["scenario"]: e for e in run["coverage"]["explorations"] if not e["violating"]}
    for scenario in ("two-messages", "a-message-and-a-look", "enter ×2"):
        assert clean[scenario]["complete"], clean[scenario]["reason"]
        assert clean[scenario]["schedules"] > 1 or scenario == "two-messages"
    # Which thread serves a request is the runtime's choice: that is said, not taken for safe.
    assert any("SERVED" in item["what"] for item in run["not_tested"])
