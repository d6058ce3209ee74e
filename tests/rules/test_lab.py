"""The lab: what is planted is found by reading alone, and the twins are clean."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from deadheat.io.source import load
from deadheat.model import Confidence
from deadheat.rules import check
from deadheat.rust import read

LAB = Path(__file__).parents[2] / "lab" / "rocket"
APPS: list[dict[str, Any]] = tomllib.loads((LAB / "lab.toml").read_text("utf-8"))["app"]


@pytest.mark.parametrize("app", APPS, ids=lambda app: str(app["name"]))
def test_what_is_planted_is_found(app: dict[str, Any]) -> None:
    program = read(load(LAB / app["name"]))
    endpoints = {handler.id: handler.endpoint for handler in program.review.handlers}
    findings = [finding for finding in check(program) if finding.confidence is not Confidence.LOW]
    for planted in app["planted"]:
        found = [f for f in findings if f.rule == planted["rule"] and f.state.path == planted["state"]]
        assert found
        for finding in found:
            assert {endpoints[handler] for handler in finding.handlers} == set(planted["handlers"])
    expected = {(planted["rule"], planted["state"]) for planted in app["planted"]}
    assert {(finding.rule, finding.state.path) for finding in findings} == expected


@pytest.mark.parametrize("app", APPS, ids=lambda app: str(app["name"]))
def test_the_twin_is_clean(app: dict[str, Any]) -> None:
    findings = check(read(load(LAB / app["twin"])))
    assert [finding for finding in findings if finding.confidence is not Confidence.LOW] == []
