"""Wilson's interval, against values worked out elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.oracle import wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(37, 200, 0.1373, 0.2446), (50, 50, 0.9287, 1.0), (0, 50, 0.0, 0.0713)],
)
def test_known_values(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert interval.low == pytest.approx(low, abs=1e-3)
    assert interval.high == pytest.approx(high, abs=1e-3)


@given(st.integers(1, 1000), st.data())
def test_it_contains_the_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    interval = wilson(successes, trials)
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1


def test_nothing_of_nothing_is_no_proportion() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(0, 0)
