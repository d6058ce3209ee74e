"""When enough was seen."""

from random import Random

import pytest

from deadheat.oracle.sequential_test import SequentialTest, ruled_out


def decision(test: SequentialTest, rate: float, random: Random) -> tuple[bool | None, int]:
    violated = total = 0
    while (decided := test.decide(violated, total)) is None and total < 5_000:
        violated += random.random() < rate
        total += 1
    return decided, total


def test_a_race_hit_each_time_takes_two_rounds() -> None:
    assert SequentialTest().decide(1, 1) is None
    assert SequentialTest().decide(2, 2) is True


def test_nothing_seen_takes_three_over_the_rate() -> None:
    test = SequentialTest()
    first = next(total for total in range(1_000) if test.decide(0, total) is False)
    assert first == 301
    assert ruled_out(first) < 0.01


def test_its_errors_are_what_they_should_be() -> None:
    random = Random(7)
    test = SequentialTest(rare=0.001, common=0.05, false_alarm=0.01, miss=0.05)
    wrong = sum(decision(test, 0.001, random)[0] is True for _ in range(400))
    missed = sum(decision(test, 0.05, random)[0] is False for _ in range(400))
    assert wrong <= 4 * 3
    assert missed <= 20 * 1.7


def test_no_rounds_rule_nothing_out() -> None:
    with pytest.raises(ValueError, match="no rounds"):
        ruled_out(0)
