"""Recall and precision on labelled places in real Rocket applications.

    python -m benchmarks.corpus --mirror DIR [--labels DIR] [--only NAME] [--findings] [--json]

The labels are no part of this repository (``--labels``, or the variable DEADHEAT_CORPUS; else
``../shared/corpus``), and neither is the code: ``--mirror`` (or DEADHEAT_CORPUS_MIRROR) names a
directory of git directories. A repository that is not there is *not tested*, and then no goal counts
as met. A race is found when the lines between a finding's check and act meet the labelled ones; a
clean place is flagged by the same test.
"""

import argparse
import gc
import os
import sys
from pathlib import Path

from benchmarks import Figure, emit
from benchmarks._corpus_labels import read
from benchmarks._corpus_scan import Outcome, Scanned, is_medium, outcomes, scan_commit, scan_tree
from benchmarks._corpus_tables import findings, labels, repositories

_LABELS = Path(__file__).parent.parent.parent / "shared" / "corpus"


def figures(
    scans: tuple[Scanned, ...], found: tuple[Outcome, ...], *, limited: bool = False
) -> tuple[Figure, ...]:
    """The four figures that have a goal; a limited run, or one with something untested, meets none."""
    whole = not limited and all(scan.problem is None for scan in scans)
    tested = [one for one in found if one.scan.problem is None]
    races = [one for one in tested if one.label.kind == "race"]
    clean = [one for one in tested if one.label.kind == "clean"]
    medium = sum(is_medium(one) for scan in scans for _, one in scan.findings)
    lines = sum(scan.lines for scan in scans)
    found_any, found_medium = sum(bool(one.any) for one in races), sum(bool(one.medium) for one in races)
    flagged = sum(bool(one.medium) for one in clean)
    return (
        _share("labelled races found at any confidence", found_any, len(races), 85, whole),
        _share("labelled races found at medium or above", found_medium, len(races), 75, whole),
        _share("clean places flagged at medium or above", flagged, len(clean), -10, whole),
        Figure(
            "findings of medium or above in all repositories",
            "per 1,000 lines",
            1000 * medium / max(lines, 1),
            goal="at most 1.5 per 1,000 lines",
            met=1000 * medium <= 1.5 * lines if whole else None,
        ),
    )


def _share(name: str, part: int, of: int, goal: int, whole: bool) -> Figure:
    percent = 100 * part / max(of, 1)
    words = f"at least {goal} %" if goal > 0 else f"at most {-goal} %"
    met = percent >= goal if goal > 0 else percent <= -goal
    return Figure(f"{name} ({part} of {of})", "%", percent, goal=words, met=met if whole and of else None)


def _path(variable: str, default: Path | None) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else default


def main() -> int:
    """Scan, count, print; 2 when there are no labels."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("--mirror", type=Path, default=_path("DEADHEAT_CORPUS_MIRROR", None))
    parser.add_argument("--labels", type=Path, default=_path("DEADHEAT_CORPUS", _LABELS))
    parser.add_argument("--only", default="", help="only repositories whose name contains this")
    parser.add_argument("--tree", type=Path, help="scan this directory instead; nothing is compared")
    parser.add_argument("--findings", action="store_true", help="also list what is at medium or above")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.tree is not None:
        alone = (scan_tree(options.tree.resolve(), options.tree.name, ""),)
        print(repositories(alone, ()), findings(alone), sep="\n\n")
        return 0
    try:
        listed = tuple(label for label in read(options.labels) if options.only in label.repo)
    except OSError as error:
        print(
            f"{options.labels}: no labels ({error.strerror}); name the corpus with --labels", file=sys.stderr
        )
        if not options.json:
            return 2
        emit()  # a run of all benchmarks goes on without this one
        return 0
    scans: list[Scanned] = []
    for repo, commit in sorted({(label.repo, label.commit) for label in listed}):
        scans.append(scan_commit(options.mirror, repo, commit))
        gc.collect()
    done = tuple(scans)
    found = outcomes(listed, done)
    if not options.json:
        print(repositories(done, found), labels(found), sep="\n\n")
        if options.findings:
            print("\n" + findings(done))
        for scan in done:
            if scan.problem is not None:
                print(f"not tested: {scan.repo}@{scan.commit[:10]}: {scan.problem}")
        print()
    emit(*figures(done, found, limited=bool(options.only)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
