"""The list and the table of the benchmark that puts probes into real applications."""

from pathlib import Path

import pytest

from benchmarks.probed_apps import Listed, Outcome, figures, listed, table

APP = Listed("owner/name", "0123456789ab", "server")


def test_a_list_has_one_application_a_line(tmp_path: Path) -> None:
    file = tmp_path / "apps"
    file.write_text("# real ones\nowner/name 0123456789ab server\n\no/n 12 . sqlite,tls  # needs one\n")
    assert listed(file) == (APP, Listed("o/n", "12", ".", "sqlite,tls"))
    file.write_text("owner/name\n")
    with pytest.raises(ValueError, match=r"apps:1: a line is REPOSITORY COMMIT"):
        listed(file)


def test_what_does_not_compile_by_itself_counts_for_nothing() -> None:
    fits = Outcome(APP, 100, 10, 8, 2, 1.0, plain=True, probed=True)
    outcomes = (*[fits] * 9, Outcome(APP, plain=True, probed=False, problem="error: no"))
    share, points = figures((*outcomes, Outcome(APP, plain=False, problem="error: old")), limited=False)
    assert (share.ours, share.met, points.ours) == (90, True, 80)
    assert figures(outcomes[:9], limited=False)[0].met is None
    rows = table((fits, outcomes[-1])).splitlines()
    assert rows[2] == "| owner/name/server | 0123456789 | 100 | yes | yes | 8 | 2 | 2 |"
    assert rows[3] == "| owner/name/server | 0123456789 |  | yes | no | error: no | | |"
