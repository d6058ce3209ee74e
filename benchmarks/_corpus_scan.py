"""Scans of the corpus and their outcome, label by label.

Owns the counting. Every package of a repository is scanned once, as part of the outermost workspace
that takes it in, through the same entry as ``deadheat scan``.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks._corpus_checkout import check_out, git_directory, packages
from benchmarks._corpus_labels import Label, about
from deadheat.engine.reviewed import Reviewed
from deadheat.io import source
from deadheat.model import Confidence, Finding, ProjectError


class Scanned(msgspec.Struct, frozen=True):
    """One repository at one commit; ``problem`` says why it was not tested.

    ``findings`` carries with each finding the directory that its files are relative to.
    """

    repo: str
    commit: str
    findings: tuple[tuple[str, Finding], ...] = ()
    files: frozenset[str] = frozenset()
    lines: int = 0
    seconds: float = 0.0
    problem: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What the scan said about one labelled place."""

    label: Label
    scan: Scanned
    any: tuple[tuple[str, Finding], ...]

    @property
    def medium(self) -> tuple[tuple[str, Finding], ...]:
        """Those of medium confidence or above."""
        return tuple(pair for pair in self.any if is_medium(pair[1]))


def is_medium(finding: Finding) -> bool:
    """Whether the confidence is medium or above."""
    return finding.confidence.rank <= Confidence.MEDIUM.rank


def scan_commit(mirror: Path | None, repo: str, commit: str) -> Scanned:
    """Check a repository out and scan it."""
    git = git_directory(mirror, repo)
    if git is None:
        return Scanned(repo, commit, problem="not in the mirror")
    with TemporaryDirectory(prefix="corpus-") as temporary:
        root = Path(temporary).resolve()
        problem = check_out(git, commit, root)
        if problem is not None:
            return Scanned(repo, commit, problem=problem)
        return scan_tree(root, repo, commit)


def scan_tree(root: Path, repo: str, commit: str) -> Scanned:
    """Scan every package below a directory."""
    began = time.monotonic()
    findings: list[tuple[str, Finding]] = []
    files: dict[str, int] = {}
    for package in packages(root):
        if any(name.startswith(_within(package, root)) for name in files):
            continue  # taken in by a workspace that was scanned
        try:
            tree, prefix = source.load(package), _within(source.workspace_root(package), root)
        except ProjectError:
            continue  # no manifest of a package: a template, a test of bad input
        fresh = {prefix + name: text.count(b"\n") for name, text in tree.files.items()}
        try:
            suspected = Reviewed.of(package, handlers_needed=False).findings
        except ProjectError:
            suspected = ()  # nothing in it runs concurrently
        findings += [(prefix, one) for one in suspected if prefix + one.location.file not in files]
        files |= {name: count for name, count in fresh.items() if name.endswith(".rs")}
    return Scanned(
        repo, commit, tuple(findings), frozenset(files), sum(files.values()), time.monotonic() - began
    )


def _within(directory: Path, root: Path) -> str:
    relative = directory.resolve().relative_to(root).as_posix()
    return "" if relative == "." else relative + "/"


def outcomes(labels: tuple[Label, ...], scans: tuple[Scanned, ...]) -> tuple[Outcome, ...]:
    """Each label with the findings about it."""
    by_commit = {(scan.repo, scan.commit): scan for scan in scans}
    found: list[Outcome] = []
    for label in labels:
        scan = by_commit[(label.repo, label.commit)]
        hits = tuple(pair for pair in scan.findings if about(pair[1], label, pair[0]))
        found.append(Outcome(label, scan, hits))
    return tuple(found)
