"""Whether real Rocket applications still compile once they carry probes, and how many they keep.

    python -m benchmarks.probed_apps --list FILE [--mirror DIR] [--into DIR] [--only NAME] [--json]

``--list`` (or the variable DEADHEAT_PROBED_APPS) names a file with one application a line: a
repository as ``owner/name``, a commit, the package's folder when it is not the root, and the cargo
features that it needs; ``#`` begins a comment. ``--mirror`` (or DEADHEAT_CORPUS_MIRROR) names a
directory of git directories, as for ``benchmarks.corpus``; nothing is fetched from anywhere but by
cargo. The checkouts stay under ``--into``, so that a second run compiles what changed only. An
application that does not compile unmodified on this machine is *not tested*: it says nothing about
probes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import Figure, emit
from benchmarks._corpus_checkout import check_out, git_directory
from deadheat.engine.reviewed import Reviewed
from deadheat.io import cargo
from deadheat.model import ProjectError


class Listed(msgspec.Struct, frozen=True):
    """One line of the list.

    ``folder`` is the package's, relative to the root of the repository; ``features`` are those it
    cannot do without, separated by commas.
    """

    repo: str
    commit: str
    folder: str = "."
    features: str = ""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.repo if self.folder == "." else f"{self.repo}/{self.folder}"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one application.

    ``plain`` and ``probed`` say whether it compiled without and with probes; None: not tried.
    """

    app: Listed
    lines: int = 0
    planned: int = 0
    kept: int = 0
    rounds: int = 0
    seconds: float = 0.0
    plain: bool | None = None
    probed: bool | None = None
    problem: str = ""


def listed(path: Path) -> tuple[Listed, ...]:
    """Reads the list.

    Raises:
        OSError: it cannot be read.
        ValueError: a line has not two to four words.
    """
    found: list[Listed] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if words and len(words) not in (2, 3, 4):
            raise ValueError(f"{path}:{number}: a line is REPOSITORY COMMIT [FOLDER [FEATURES]]")
        if words:
            found.append(Listed(*words))
    return tuple(found)


def _checked_out(git: Path, commit: str, into: Path) -> str | None:
    """Write all files of a commit, once; what is wrong when that cannot be done."""
    stamp = into / ".commit"
    if stamp.is_file() and stamp.read_text("utf-8") == commit:
        return None
    problem = check_out(git, commit, into, whole=True)
    if problem is None:
        stamp.write_text(commit, "utf-8")
    return problem


def try_one(app: Listed, mirror: Path | None, into: Path) -> Outcome:
    """Build one application as it is, then with probes, as `deadheat hunt` does."""
    git = git_directory(mirror, app.repo)
    if git is None:
        return Outcome(app, problem="not in the mirror")
    root = into / app.repo.replace("/", "+")
    problem = _checked_out(git, app.commit, root)
    if problem:
        return Outcome(app, problem=problem)
    folder = root / app.folder
    features = tuple(feature for feature in app.features.split(",") if feature)
    chosen = ("--features", app.features) if features else ()
    plain = subprocess.run(
        ["cargo", "build", "--bins", "--quiet", *chosen], cwd=folder, capture_output=True, check=False
    )
    if plain.returncode:
        return Outcome(app, plain=False, problem=_gist(plain.stderr.decode("utf-8", "replace")))
    began = time.monotonic()
    try:
        reviewed = Reviewed.of(folder)
        planned, lines = len(reviewed.plan.points), reviewed.review.lines
        # Whether it compiles is asked, not how fast it runs: optimized, Rocket would be compiled anew.
        built = cargo.build(folder, reviewed.plan, features=features, optimize=False)
    except ProjectError as error:
        return Outcome(app, plain=True, probed=False, problem=_gist(str(error)))
    return Outcome(
        app, lines, planned, built.kept, built.rounds, time.monotonic() - began, plain=True, probed=True
    )


def _gist(said: str) -> str:
    """The first error, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error")]
    return (errors or lines or ["it says nothing"])[0][:200]


def table(outcomes: tuple[Outcome, ...]) -> str:
    """The outcomes as a Markdown table."""
    rows = [
        "| application | commit | lines | compiles | with probes | points kept | dropped | rounds |",
        "|---|---|---:|---|---|---:|---:|---:|",
    ]
    words = {True: "yes", False: "no", None: "—"}
    for one in outcomes:
        dropped = one.planned - one.kept
        figures = f"{one.kept} | {dropped} | {one.rounds}" if one.probed else f"{one.problem} | |"
        rows.append(
            f"| {one.app.name} | {one.app.commit[:10]} | {one.lines or ''} | {words[one.plain]}"
            f" | {words[one.probed]} | {figures} |"
        )
    return "\n".join(rows)


def figures(outcomes: tuple[Outcome, ...], *, limited: bool) -> tuple[Figure, ...]:
    """The two figures; a limited run, or one of fewer than ten applications, meets no goal."""
    tested = [one for one in outcomes if one.plain]
    fit = [one for one in tested if one.probed]
    enough = len(tested) >= 10 and not limited
    planned = sum(one.planned for one in fit)
    kept = sum(one.kept for one in fit)
    return (
        Figure(
            f"real applications that compile with probes ({len(fit)} of {len(tested)})",
            "%",
            100 * len(fit) / max(len(tested), 1),
            goal="at least 90 % of ten or more",
            met=10 * len(fit) >= 9 * len(tested) if enough else None,
        ),
        Figure(f"points kept ({kept} of {planned})", "%", 100 * kept / max(planned, 1)),
    )


def main() -> int:
    """Build, count, print; 2 when there is no list."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probed_apps", description=__doc__)
    environment = os.environ.get
    parser.add_argument("--list", type=Path, default=environment("DEADHEAT_PROBED_APPS"))
    parser.add_argument("--mirror", type=Path, default=environment("DEADHEAT_CORPUS_MIRROR"))
    parser.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "deadheat-probed-apps")
    parser.add_argument("--only", default="", help="only applications whose name contains this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.list is None:
        print("no list of applications; name one with --list", file=sys.stderr)
        if not options.json:
            return 2
        emit()  # a run of all benchmarks goes on without this one
        return 0
    try:
        apps = tuple(app for app in listed(options.list) if options.only in app.name)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    # One target directory, so that what the applications share is compiled once.
    os.environ.setdefault("CARGO_TARGET_DIR", str(options.into / "target"))
    done: list[Outcome] = []
    for app in apps:
        print(f"{app.name} …", file=sys.stderr)
        done.append(try_one(app, options.mirror, options.into))
    outcomes = tuple(done)
    if not options.json:
        print(table(outcomes), end="\n\n")
    emit(*figures(outcomes, limited=bool(options.only)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
