"""Living with findings: baseline, comparison of revisions, cache."""

import json
import subprocess
from pathlib import Path

import pytest

from deadheat.engine.scan import scan, update_baseline
from deadheat.model import Acceptance, DeadheatError, ProjectError
from tests.rules.test_examples import MANIFEST
from tests.rules.test_suppress import RACE

PLAIN = RACE % ("", "", "")
SECOND = (
    PLAIN
    + """
struct Beds(Mutex<u32>);

#[post("/sleep")]
fn sleep(beds: &State<Beds>) -> &'static str {
    if *beds.0.lock().unwrap() == 0 {
        return "full";
    }
    *beds.0.lock().unwrap() -= 1;
    "yours"
}
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_bytes(MANIFEST)
    (folder / "src" / "main.rs").write_text(PLAIN, "utf-8")
    return folder


def write(project: Path, source: str) -> None:
    (project / "src" / "main.rs").write_text(source, "utf-8")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
        check=True,
        capture_output=True,
    )


def test_a_baseline_hides_what_it_holds_wherever_it_moves(project: Path) -> None:
    file = project / "baseline.json"
    assert update_baseline(file, scan(project)) == 1
    write(project, "// a line more\n\n" + SECOND)
    run = scan(project, baseline=file)
    assert [finding.state.path for finding in run.findings] == ["Beds.0"]
    assert [(one.by, one.finding.state.path) for one in run.suppressed] == [(Acceptance.BASELINE, "Seats.0")]
    assert run.notes == ()


def test_a_baseline_has_no_lines_and_keeps_reasons(project: Path) -> None:
    file = project / "baseline.json"
    update_baseline(file, scan(project))
    before = file.read_text("utf-8")
    content = json.loads(before)
    (fingerprint,) = content["findings"]
    assert content["findings"][fingerprint] == {
        "rule": "check-then-act", "state": "Seats.0", "where": "app::take",
    }  # fmt: skip
    write(project, "\n\n\n" + PLAIN)
    update_baseline(file, scan(project, baseline=file))
    assert file.read_text("utf-8") == before
    content["findings"][fingerprint]["reason"] = "overbooking is wanted"
    file.write_text(json.dumps(content), "utf-8")
    update_baseline(file, scan(project, baseline=file))
    assert json.loads(file.read_text("utf-8"))["findings"][fingerprint]["reason"] == "overbooking is wanted"


def test_entries_that_match_nothing_are_said_and_taken_out(project: Path) -> None:
    file = project / "baseline.json"
    write(project, SECOND)
    update_baseline(file, scan(project))
    write(project, PLAIN)
    run = scan(project, baseline=file)
    assert run.findings == ()
    assert "1 of 2 entries" in run.notes[0]
    assert update_baseline(file, run) == 1


@pytest.mark.parametrize("content", ["", "[]", '{"version": 9, "findings": {}}', "{}"])
def test_a_file_that_is_no_baseline(project: Path, content: str) -> None:
    file = project / "baseline.json"
    file.write_text(content, "utf-8")
    with pytest.raises(DeadheatError, match="baseline"):
        scan(project, baseline=file)
    with pytest.raises(DeadheatError, match="no such baseline"):
        scan(project, baseline=project / "none.json")


def test_only_what_a_change_introduces(project: Path) -> None:
    git(project.parent, "init", "-q")
    git(project.parent, "add", "-A")
    git(project.parent, "commit", "-qm", "first")
    write(project, "// moved\n" + SECOND)
    run = scan(project, since="HEAD")
    assert [finding.state.path for finding in run.findings] == ["Beds.0"]
    assert run.root == "app/"
    git(project.parent, "commit", "-qam", "second")
    assert scan(project, since="HEAD").findings == ()
    assert len(scan(project, since="HEAD~1").findings) == 1


def test_revisions_that_are_none(project: Path) -> None:
    with pytest.raises(ProjectError, match="git"):
        scan(project, since="HEAD")
    git(project.parent, "init", "-q")
    for revision in ("HEAD", "nowhere", "--help"):
        with pytest.raises(ProjectError, match="no revision"):
            scan(project, since=revision)


def test_a_package_that_did_not_exist_then(project: Path) -> None:
    git(project.parent, "init", "-q")
    git(project.parent, "commit", "-q", "--allow-empty", "-m", "nothing")
    assert len(scan(project, since="HEAD").findings) == 1


def test_an_unchanged_tree_is_answered_from_the_cache(project: Path) -> None:
    first = scan(project)
    kept = list((project / ".deadheat" / "cache").iterdir())
    assert len(kept) == 2, "the answer, and what was read for the next"
    again = scan(project)
    assert (again.findings, again.review, again.sources) == (first.findings, first.review, first.sources)
    for one in kept:
        one.write_bytes(b"damaged")
    assert scan(project).findings == first.findings
    write(project, SECOND)
    assert len(scan(project).findings) == 2
    assert (project / ".deadheat" / ".gitignore").read_text("utf-8") == "*\n"
