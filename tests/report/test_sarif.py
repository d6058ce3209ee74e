"""SARIF: valid against the official schema, and shaped for what code scanning looks at."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from deadheat.model import Acceptance, Evidence, Run, Span, Suppressed
from deadheat.report import FORMATS, sarif
from deadheat.rules.document import information
from tests.report.fixtures import ACTIVE_USERS, COUPONS, FORCED_REREAD, NOTHING, RUNS
from tests.report.test_terminal import evidences

SCHEMA = Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json"
VALIDATOR = jsonschema.Draft4Validator(
    json.loads(SCHEMA.read_text("utf-8")), format_checker=jsonschema.FormatChecker()
)

Json = dict[str, Any]


def log(run: Run) -> Json:
    document: Json = json.loads(FORMATS["sarif"](run))
    return document


def only(run: Run) -> Json:
    (result,) = log(run)["runs"][0]["results"]
    found: Json = result
    return found


@pytest.mark.parametrize("name", sorted(RUNS))
def test_every_log_is_valid(name: str) -> None:
    VALIDATOR.validate(log(RUNS[name]))


@given(evidences())
def test_any_evidence_is_valid(evidence: Evidence) -> None:
    finding = structs.replace(FORCED_REREAD, evidence=evidence)
    VALIDATOR.validate(log(structs.replace(ACTIVE_USERS, findings=(finding,))))


def test_all_rules_are_valid_and_have_their_help() -> None:
    document = log(structs.replace(NOTHING, rules=information()))
    VALIDATOR.validate(document)
    for rule in document["runs"][0]["tool"]["driver"]["rules"]:
        properties = rule["properties"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"].startswith("# ")
        assert 0 < float(properties["security-severity"]) < 10
        assert isinstance(properties["security-severity"], str)
        assert "security" in properties["tags"]
        assert len(properties["tags"]) <= 10
        assert properties["precision"] in ("high", "medium", "low")
        assert properties["problem.severity"] in ("error", "warning", "recommendation")


def test_a_weakness_is_a_tag() -> None:
    (rule,) = log(COUPONS)["runs"][0]["tool"]["driver"]["rules"]
    assert "external/cwe/cwe-367" in rule["properties"]["tags"]


def test_the_act_is_the_only_location() -> None:
    finding = COUPONS.findings[0]
    (location,) = only(COUPONS)["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == finding.location.file
    assert location["physicalLocation"]["region"] == {
        "startLine": finding.location.start_line,
        "startColumn": finding.location.start_column,
        "endLine": finding.location.end_line,
        "endColumn": finding.location.end_column,
    }


def test_the_fingerprint_is_ours_and_no_line() -> None:
    moved = structs.replace(COUPONS.findings[0], location=Span("src/main.rs", 500, 1, 500, 9))
    first, second = only(COUPONS), only(structs.replace(COUPONS, findings=(moved,)))
    name = "primaryLocationLineHash"
    assert first["partialFingerprints"][name] == second["partialFingerprints"][name]


def test_the_interleaving_is_told_in_order() -> None:
    (flow,) = only(COUPONS)["codeFlows"]
    steps = [step for thread in flow["threadFlows"] for step in thread["locations"]]
    assert sorted(step["executionOrder"] for step in steps) == list(range(1, len(steps) + 1))
    for letter, thread in zip("AB", flow["threadFlows"], strict=True):
        assert all(
            step["location"]["message"]["text"].startswith(f"{letter}: ") for step in thread["locations"]
        )
        assert all("physicalLocation" in step["location"] for step in thread["locations"])


def test_a_suspicion_tells_a_witness() -> None:
    finding = structs.replace(COUPONS.findings[0], evidence=None)
    (flow,) = only(structs.replace(COUPONS, findings=(finding,)))["codeFlows"]
    assert [thread["id"] for thread in flow["threadFlows"]] == ["request A", "request B"]


def test_related_places_are_embedded_in_the_message() -> None:
    finding = structs.replace(
        COUPONS.findings[0], related=((Span("src/lib.rs", 3, 1, 3, 5), "called [here]"),)
    )
    result = only(structs.replace(COUPONS, findings=(finding,)))
    (related,) = result["relatedLocations"]
    assert f"]({related['id']})" in result["message"]["text"]
    VALIDATOR.validate(log(structs.replace(COUPONS, findings=(finding,))))


def test_what_is_accepted_is_left_out() -> None:
    accepted = Suppressed(COUPONS.findings[0], Acceptance.COMMENT, "known")
    document = log(structs.replace(COUPONS, findings=(), suppressed=(accepted,)))
    assert document["runs"][0]["results"] == []


def test_paths_start_at_the_repository() -> None:
    run = structs.replace(
        COUPONS,
        root="backend/",
        findings=(structs.replace(COUPONS.findings[0], location=Span("src/a b#ü.rs", 1, 1, 1, 2)),),
    )
    (location,) = only(run)["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "backend/src/a%20b%23%C3%BC.rs"


def test_limits() -> None:
    finding = structs.replace(COUPONS.findings[0], evidence=None)
    many = tuple(structs.replace(finding, fingerprint=f"{number:064x}") for number in range(5_200))
    text = FORMATS["sarif"](structs.replace(COUPONS, findings=many))
    document: Json = json.loads(text)
    run = document["runs"][0]
    assert len(run["results"]) == 5_000
    assert any(
        "200 more" in note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]
    )
    assert len(gzip.compress(text.encode())) < 10_000_000


def test_secrets_are_masked() -> None:
    assert "api_key=***" in FORMATS["sarif"](COUPONS)


def test_snapshot(snapshot: SnapshotAssertion) -> None:
    assert FORMATS["sarif"](COUPONS) == snapshot


def test_the_schema_address_is_that_of_the_vendored_file() -> None:
    assert json.loads(SCHEMA.read_text("utf-8"))["id"] == sarif.SCHEMA
