"""In CI a skipped test fails, with its reason; elsewhere it is a skip. An expected failure is never one."""

from pathlib import Path

import pytest

SUITE = """
import pytest

def test_passes(): ...

@pytest.mark.skip(reason="by marker")
def test_marked(): ...

def test_in_the_middle():
    pytest.skip("half way")

@pytest.mark.xfail(reason="known")
def test_expected():
    assert False
"""
MODULE = "import pytest\npytest.skip('whole module', allow_module_level=True)\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(test_suite=SUITE, test_module=MODULE)
    return pytester


def test_in_ci_each_skip_is_a_failure_that_says_why(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = suite.runpytest_subprocess("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, failed=1, xfailed=1, errors=2)
    for reason in ("by marker", "half way", "whole module"):
        result.stdout.fnmatch_lines([f"*in CI nothing may be skipped. *{reason}*"])


def test_at_home_a_skip_is_a_skip(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    suite.runpytest_subprocess().assert_outcomes(passed=1, skipped=3, xfailed=1)
