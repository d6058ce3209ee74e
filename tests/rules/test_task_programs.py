"""Small Rocket applications about locks, tasks, channels and files: what a reader would say of each.

The programs are in `task_programs/`, named after the pattern of the catalogue. The first line says
which rule is expected; of a safe one nothing may be said at medium severity and confidence or above.
"""

from pathlib import Path

import pytest

from deadheat.model import Confidence, Severity
from deadheat.rules import check
from deadheat.rust import read
from tests.rules.test_examples import tree

PROGRAMS = sorted((Path(__file__).parent / "task_programs").glob("*.rs"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.stem))
def test_what_a_reader_would_say(path: Path) -> None:
    text = path.read_text("utf-8")
    expected = text.splitlines()[0].removeprefix("// expects: ")
    findings = check(read(tree(text)))
    grave = {
        finding.rule
        for finding in findings
        if finding.severity.rank <= Severity.MEDIUM.rank and finding.confidence is not Confidence.LOW
    }
    if expected == "nothing":
        assert grave == set()
    else:
        assert expected in [finding.rule for finding in findings]
        assert grave <= {expected}
