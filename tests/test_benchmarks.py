"""The benchmark page: every figure a row, a failure never left out."""

from benchmarks import Figure
from benchmarks.__main__ import main, names, page


def test_each_figure_is_a_row_and_a_failed_benchmark_is_one_too() -> None:
    figures = (
        Figure(
            "rate", "schedules/s", 530.0, peer=10.5, peer_name="timed", ratio=50.476, goal="≥ 400", met=True
        ),
        Figure("a|b", "s", 0.25),
    )
    text = page({"speed": figures, "broken": None}, "a machine")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| speed | rate | 530 schedules/s | 10.5 (timed) | 50.48 | ≥ 400 | yes |",
        "| speed | a\\|b | 0.25 s |  |  |  |  |",
        "| broken | did not finish | | | | | no |",
    ]
    assert "a machine" in text


def test_a_name_that_does_not_exist_is_a_usage_error() -> None:
    assert "nonesuch" not in names()
    assert main(["nonesuch"]) == 2
