"""The rules' own examples: what they call invalid is found, what they call valid is not."""

import pytest

from deadheat.model import Confidence, Finding, Severity
from deadheat.rules import RULES, Rule, check
from deadheat.rules.rule import Example
from deadheat.rust import SourceTree, read

MANIFEST = b'[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nrocket = "0.5"\n'


def tree(source: str, edition: str = "2021") -> SourceTree:
    manifest = MANIFEST.replace(b"2021", edition.encode())
    return SourceTree("", {"Cargo.toml": manifest}, {"src/main.rs": source.encode()})


def is_note(finding: Finding) -> bool:
    """Good advice beside the point of an example."""
    return finding.severity.rank > Severity.MEDIUM.rank


def cases(which: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.name}: {example.title}")
        for rule in RULES.values()
        for example in getattr(rule, which)
    ]


@pytest.mark.parametrize(("rule", "example"), cases("invalid"))
def test_invalid_examples_are_found(rule: Rule, example: Example) -> None:
    findings = [f for f in check(read(tree(example.source))) if f.rule == rule.name or not is_note(f)]
    assert [finding.rule for finding in findings] == [rule.name]
    assert findings[0].confidence is not Confidence.LOW or rule.confidence is Confidence.LOW
    assert findings[0].handlers


@pytest.mark.parametrize(("rule", "example"), cases("valid"))
def test_valid_examples_are_not_flagged(rule: Rule, example: Example) -> None:
    findings = check(read(tree(example.source)))
    grave = [f for f in findings if f.rule == rule.name or not is_note(f)]
    assert [f for f in grave if f.confidence is not Confidence.LOW] == []
