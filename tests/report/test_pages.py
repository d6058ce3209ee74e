"""The inventory and a rule's page."""

import pytest
from syrupy.assertion import SnapshotAssertion

from deadheat.model import Confidence, Impact, Review, Severity
from deadheat.report import explain, inventory
from tests.report.fixtures import ACTIVE_USERS_REVIEW, COUPONS

PAGE = explain.RulePage(
    code="DH103",
    name="response-re-read",
    title="State is locked again to build the answer",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    explanation="The handler changes the state under a lock, releases it, and takes it **again** to say what "
    "it became.\n\nIn between `another request` may run:\n\n- the change is never lost,\n- but the answer "
    "is somebody else's.\n",
    cwe=(362, 367),
    impact=(Impact.INCONSISTENT_STATE,),
    invalid=(explain.Example('*n.lock().unwrap() += 1;\nformat!("{}", *n.lock().unwrap())', "locked twice"),),
    valid=(explain.Example('let mut n = n.lock().unwrap();\n*n += 1;\nformat!("{n}")'),),
    fixes=("keep the value while the lock is held", "answer without the value"),
)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_explain(ascii_only: bool, snapshot: SnapshotAssertion) -> None:
    text = explain.render(PAGE, width=80, ascii_only=ascii_only)
    assert text.isascii() or not ascii_only
    assert text == snapshot


def test_explain_in_colour_says_the_same() -> None:
    assert "\x1b[" in explain.render(PAGE, colour=True)


@pytest.mark.parametrize(
    "review", [ACTIVE_USERS_REVIEW, COUPONS.review, Review()], ids=["users", "coupons", "none"]
)
@pytest.mark.parametrize("width", [60, 100])
def test_inventory(review: Review, width: int, snapshot: SnapshotAssertion) -> None:
    text = inventory.render(review, width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert text == snapshot
