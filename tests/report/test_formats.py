"""The formats for programs: every output is valid against the published schema."""

import json
from typing import cast

import jsonschema
import pytest
from hypothesis import given
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from deadheat.model import Evidence
from deadheat.report import FORMATS, prepare, schema
from tests.report.fixtures import ACTIVE_USERS, COUPONS, FORCED_REREAD, NOTHING, RUNS
from tests.report.test_terminal import evidences

VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def _document(text: str) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(text))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    assert json.loads(schema.render()) == schema.schema()


@pytest.mark.parametrize("name", sorted(RUNS))
def test_every_document_is_valid(name: str) -> None:
    VALIDATOR.validate(_document(FORMATS["json"](RUNS[name])))


@given(evidences())
def test_any_evidence_is_valid(evidence: Evidence) -> None:
    run = structs.replace(ACTIVE_USERS, findings=(structs.replace(FORCED_REREAD, evidence=evidence),))
    VALIDATOR.validate(_document(FORMATS["json"](run)))


def test_the_schema_refuses_what_is_not_the_contract() -> None:
    document = _document(FORMATS["json"](NOTHING))
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**document, "surprise": 1})
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({key: value for key, value in document.items() if key != "not_tested"})


def test_the_contract() -> None:
    document = _document(FORMATS["json"](ACTIVE_USERS))
    assert list(document) == [
        "tool", "target", "seed", "findings", "inventory", "coverage", "not_tested",
    ]  # fmt: skip
    (finding,) = cast("list[dict[str, object]]", document["findings"])
    assert list(finding) == [
        "rule", "code", "title", "severity", "confidence", "proof", "cwe", "impact", "state", "handlers",
        "location", "window", "related", "message", "fingerprint", "evidence", "fixes",
    ]  # fmt: skip
    assert finding["state"] == {"kind": "mutex", "path": "ActiveUsers.count"}
    assert finding["handlers"] == [{"id": "active_users::increment", "endpoint": "GET /increment"}]
    evidence = cast("dict[str, object]", finding["evidence"])
    assert evidence["trials"] == {"violated": 50, "total": 50, "interval": [0.9287, 1.0]}
    assert evidence["schedule"] == "dh1:7f3a:ABAB"
    assert list(evidence) == [
        "trials", "schedule", "again", "serial_outcomes", "observed_outcome", "shrunk",
    ]  # fmt: skip


def test_json_snapshot(snapshot: SnapshotAssertion) -> None:
    assert FORMATS["json"](COUPONS) == snapshot


@pytest.mark.parametrize("name", ["active-users", "bank", "interrupted"])
def test_markdown(name: str, snapshot: SnapshotAssertion) -> None:
    assert FORMATS["markdown"](RUNS[name]) == snapshot


@given(evidences())
def test_markdown_holds_no_html_of_others(evidence: Evidence) -> None:
    hostile = structs.replace(
        evidence, verdict=structs.replace(evidence.verdict, explanation="<img src=x>\n# no | yes")
    )
    run = structs.replace(ACTIVE_USERS, findings=(structs.replace(FORCED_REREAD, evidence=hostile),))
    text = FORMATS["markdown"](run)
    assert "<img" not in text
    assert "\n# no" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_format_shows_credentials(name: str) -> None:
    text = FORMATS[name](COUPONS)
    assert "k-123456" not in text
    assert "abcdef0123456789" not in text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_can_be_imported_ahead_of_its_use(name: str) -> None:
    prepare(name)  # raises where a format's module is called otherwise
