"""The labelled places, and what it means to have found one.

Owns the reading of ``labels.json`` and the test of overlap: a finding is about a place when the lines
from its check to its act, in the labelled file, meet the labelled lines. It must not know where
repositories are kept.
"""

from pathlib import Path

import msgspec

from deadheat.model import Finding


class Label(msgspec.Struct, frozen=True):
    """A place in a real application: a race, or a look-alike that is clean.

    ``confirmed`` is the strength of the label: ``fix`` (the project fixed it), ``sql-experiment`` (the
    interleaving was run), ``comment``, ``reading`` (one reader's judgement, which may be wrong).
    """

    id: str
    repo: str
    commit: str
    path: str
    line_start: int
    line_end: int
    kind: str
    pattern: str
    impact: str = ""
    evidence: str = ""
    description: str = ""
    trigger: str = ""
    confirmed: str = ""

    @property
    def place(self) -> str:
        """``path:first-last``."""
        return f"{self.path}:{self.line_start}-{self.line_end}"


def read(corpus: Path) -> tuple[Label, ...]:
    """Every label of the corpus, in its order.

    Raises:
        OSError: there is no ``labels.json`` in that directory.
    """
    return msgspec.json.decode((corpus / "labels.json").read_bytes(), type=tuple[Label, ...])


def lines(finding: Finding) -> tuple[tuple[str, int, int], ...]:
    """The stretches of lines a finding is about: check..act where both are in one file, else each."""
    act = finding.location
    stretches = [(act.file, act.start_line, act.end_line)]
    if finding.window is not None:
        check = finding.window.check.span
        if check.file == act.file:
            first, last = min(check.start_line, act.start_line), max(check.end_line, act.end_line)
            stretches = [(act.file, first, last)]
        else:
            stretches.append((check.file, check.start_line, check.end_line))
    return tuple(stretches)


def about(finding: Finding, label: Label, prefix: str) -> bool:
    """Whether a finding is about a labelled place; ``prefix`` leads from the repository to the scan."""
    return any(
        prefix + file == label.path and first <= label.line_end and last >= label.line_start
        for file, first, last in lines(finding)
    )
