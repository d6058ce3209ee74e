"""GitHub annotations and JUnit: what servers read."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from deadheat.model import Severity
from deadheat.report import FORMATS
from tests.report.fixtures import COUPONS, NOTHING, RUNS


def test_github_snapshot(snapshot: SnapshotAssertion) -> None:
    assert FORMATS["github"](COUPONS) == snapshot


def test_junit_snapshot(snapshot: SnapshotAssertion) -> None:
    assert FORMATS["junit"](COUPONS) == snapshot


@given(st.text())
def test_an_annotation_stays_on_its_line(text: str) -> None:
    finding = structs.replace(COUPONS.findings[0], message=text, title=text, evidence=None)
    lines = FORMATS["github"](structs.replace(COUPONS, findings=(finding,))).splitlines()
    assert len(lines) == 2
    properties, _, _ = lines[1].removeprefix("::error ").partition("::")
    for one in properties.split(","):
        name, _, value = one.partition("=")
        assert name in ("file", "line", "endLine", "col", "endColumn", "title")
        assert ":" not in value


def test_at_most_ten_of_each_level() -> None:
    many = tuple(
        structs.replace(COUPONS.findings[0], severity=severity, evidence=None)
        for severity in (Severity.HIGH, Severity.MEDIUM)
        for _ in range(14)
    )
    lines = FORMATS["github"](structs.replace(COUPONS, findings=many)).splitlines()
    assert sum(line.startswith("::error") for line in lines) == 10
    assert sum(line.startswith("::warning") for line in lines) == 10
    assert lines[-1] == "9 more findings not shown: a step shows 10 of each level"


def test_the_path_starts_at_the_repository() -> None:
    assert "file=app/src/main.rs," in FORMATS["github"](structs.replace(COUPONS, root="app/"))


@pytest.mark.parametrize("name", sorted(RUNS))
def test_junit_is_well_formed_and_counts(name: str) -> None:
    root = ET.XML(FORMATS["junit"](RUNS[name]))
    (suite,) = root
    cases = list(suite)
    assert suite.get("tests") == str(len(cases)) != "0"
    assert suite.get("failures") == str(sum(case.find("failure") is not None for case in cases))
    assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in cases))


@given(st.text())
def test_junit_survives_any_text(text: str) -> None:
    finding = structs.replace(COUPONS.findings[0], message=text, title=text, evidence=None)
    ET.XML(FORMATS["junit"](structs.replace(COUPONS, findings=(finding,))))


def test_a_run_that_tested_nothing_is_not_green() -> None:
    (suite,) = ET.XML(FORMATS["junit"](NOTHING))
    assert suite.get("skipped") != "0"
