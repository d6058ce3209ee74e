"""`deadheat scan` as people type it."""

import json
from pathlib import Path

import pytest

from tests.power.command import deadheat
from tests.rules.test_examples import MANIFEST
from tests.rules.test_suppress import RACE


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_bytes(MANIFEST)
    (tmp_path / "src" / "main.rs").write_text(RACE % ("", "", ""), "utf-8")
    return tmp_path


def test_all_formats_at_once(project: Path) -> None:
    done = deadheat("scan", project, "--report", f"sarif={project / 'a.sarif'}", "--format", "github")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=src/main.rs,line=12")
    assert json.loads((project / "a.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_accept_everything_then_nothing_is_left(project: Path) -> None:
    file = project / "accepted.json"
    done = deadheat("scan", project, "--baseline", file, "--update-baseline")
    assert (done.returncode, done.stdout) == (0, "")
    assert "1 finding accepted" in done.stderr
    done = deadheat("scan", project, "--baseline", file)
    assert done.returncode == 0
    assert "1 more finding accepted: 1 by the baseline" in done.stdout


def test_the_inventory_is_the_same_document_whatever_moves(project: Path) -> None:
    first = deadheat("scan", project, "--inventory", "--format", "markdown")
    assert first.returncode == 0
    assert "## Seats" in first.stdout
    (project / "src" / "main.rs").write_text("\n\n" + RACE % ("", "", ""), "utf-8")
    assert deadheat("scan", project, "--inventory", "--format", "markdown").stdout == first.stdout
    document = json.loads(deadheat("scan", project, "--inventory", "--format", "json").stdout)
    assert {row["state"] for row in document["accesses"]} == {"Seats.0"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--inventory", "--format", "sarif"),
        ("--watch", "--format", "json"),
        ("--update-baseline", "--diff", "HEAD"),
    ],
)
def test_what_does_not_go_together(project: Path, arguments: tuple[str, ...]) -> None:
    done = deadheat("scan", project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: --" in done.stderr
