"""What holds for every test: which need cargo, and that nothing is skipped unseen.

Owns the marker rules and the hypothesis profile. Fixtures live beside the tests that use them.
"""

import os
import shutil
from collections.abc import Generator

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# No deadline: it would be a timing assertion on somebody else's machine. In CI the same examples each time.
settings.register_profile("house", deadline=None, derandomize=IN_CI, database=None)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without cargo the Rocket tests are skipped, and say why."""
    if shutil.which("cargo") is not None:
        return
    for item in items:
        if item.get_closest_marker("rocket") is not None:
            item.add_marker(pytest.mark.skip(reason="cargo not found: install a Rust toolchain to run it"))


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI a skip is a test that nobody ran, so it fails, with its reason. An xfail stays one."""
    if not (IN_CI and report.outcome == "skipped") or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid}: skipped, and in CI nothing may be skipped. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Covers skips by marker, by fixture and in the middle of a test."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Covers modules that skip themselves while being imported."""
    report = yield
    _fail_if_skipped(report)
    return report
