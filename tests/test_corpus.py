"""The corpus harness: what is found, missed, flagged and not tested, on a repository made here."""

import subprocess
from pathlib import Path

import msgspec

from benchmarks._corpus_checkout import check_out, git_directory
from benchmarks._corpus_labels import Label, read
from benchmarks._corpus_scan import outcomes, scan_commit
from benchmarks._corpus_tables import findings, labels, repositories
from benchmarks.corpus import figures
from tests.rules.test_causes import CHECKED

MANIFEST = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nrocket = "0.5"\n'


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def repository(mirror: Path) -> str:
    work = mirror / "owner+app" / "repo"
    (work / "src").mkdir(parents=True)
    (work / "Cargo.toml").write_text(MANIFEST)
    (work / "src" / "main.rs").write_text(CHECKED)
    (work / "logo.png").write_bytes(b"\x89PNG")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message=first")
    return git(work, "rev-parse", "HEAD")


def label(id: str, kind: str, repo: str, commit: str, first: int, last: int) -> Label:
    return Label(id, repo, commit, "src/main.rs", first, last, kind, "a pattern", confirmed="reading")


def test_counts_hits_misses_false_alarms_and_what_is_absent(tmp_path: Path) -> None:
    commit = repository(tmp_path)
    places = (
        label("R1", "race", "owner/app", commit, 6, 6),
        label("R2", "race", "owner/app", commit, 1, 2),
        label("C1", "clean", "owner/app", commit, 7, 8),
        label("R3", "race", "owner/gone", commit, 1, 2),
    )
    scans = tuple(scan_commit(tmp_path, repo, commit) for repo in ("owner/app", "owner/gone"))
    found = outcomes(places, scans)
    assert [(one.label.id, bool(one.any), bool(one.medium)) for one in found] == [
        ("R1", True, True), ("R2", False, False), ("C1", True, True), ("R3", False, False),
    ]  # fmt: skip
    shown = figures(scans, found)
    assert [round(figure.ours) for figure in shown[:3]] == [50, 50, 100]
    assert {figure.met for figure in shown} == {None}  # one repository was not tested
    assert [figure.met for figure in figures(scans[:1], found[:3])[:3]] == [False, False, False]
    text = labels(found)
    assert "nearest: DH101" in text
    assert "not in the mirror" in text
    assert "src/main.rs:6-7" in findings(scans)
    assert f"owner/app@{commit[:8]}" in repositories(scans, found)


def test_only_what_a_scan_reads_is_checked_out(tmp_path: Path) -> None:
    commit = repository(tmp_path)
    directory = git_directory(tmp_path, "owner/app")
    assert directory is not None
    assert check_out(directory, commit, tmp_path / "out") is None
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["Cargo.toml", "main.rs"]
    assert "is not in" in (check_out(directory, "0" * 40, tmp_path / "none") or "")


def test_labels_are_read(tmp_path: Path) -> None:
    listed = (label("R1", "race", "owner/app", "c", 6, 7),)
    (tmp_path / "labels.json").write_bytes(msgspec.json.encode(listed))
    assert read(tmp_path) == listed
