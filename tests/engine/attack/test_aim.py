"""The search for offsets: finds a window that releasing at once never meets, and is replayable."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.engine.attack.aim import Aim, Arm

MS = 0.001


def overlaps(arm: Arm, starts: tuple[float, ...], width: float, noise: Random) -> bool:
    """Whether all windows meet: racer i's opens `starts[i]` after it is sent."""
    opens = [o + s + noise.gauss(0, 0.1 * MS) for o, s in zip(arm.offsets, starts, strict=True)]
    return max(opens) - min(opens) < width


def hits(aim: Aim, starts: tuple[float, ...], rounds: int, width: float = MS) -> int:
    noise = Random(7)
    total = 0
    for _ in range(rounds):
        arm = aim.next()
        hit = overlaps(arm, starts, width, noise)
        aim.tell(arm, hit)
        total += hit
    return total


def test_a_guard_of_three_milliseconds_is_aimed_over() -> None:
    aim = Aim((4.2 * MS, 1.2 * MS))
    assert aim.learned.offsets == pytest.approx((0, 3 * MS))
    assert hits(aim, (3 * MS, 0.0), 200) > 150
    assert overlaps(aim.best, (3 * MS, 0.0), MS, Random(1))


def test_a_window_at_the_start_of_the_slow_racer_is_found_by_the_grid() -> None:
    aim = Aim((8 * MS, 1 * MS))
    assert hits(aim, (0.0, 0.0), 400) > 200
    assert overlaps(aim.best, (0.0, 0.0), MS, Random(1))


def test_a_window_between_two_grid_points_is_refined_to() -> None:
    aim = Aim((8 * MS, 1 * MS))
    hits(aim, (3.1 * MS, 0.0), 2_000, width=1.2 * MS)
    assert aim.best.offsets[1] == pytest.approx(3.1 * MS, abs=0.6 * MS)


def test_equal_racers_go_at_once() -> None:
    aim = Aim((MS, 1.1 * MS, 0.9 * MS), groups=(0, 0, 0))
    assert [arm.words for arm in aim.arms] == ["at once"]
    assert aim.next().offsets == (0, 0, 0)


def test_racers_of_a_group_go_together() -> None:
    aim = Aim((4 * MS, 4 * MS, MS, 2 * MS), groups=(5, 5, 9, 1))
    for arm in aim.arms:
        assert arm.offsets[0] == arm.offsets[1]
        assert min(arm.offsets) == 0


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=6), st.integers(0, 5))
def test_the_same_seed_gives_the_same_rounds(latencies: list[float], seed: int) -> None:
    def choices() -> list[Arm]:
        aim = Aim(latencies, seed=seed)
        chosen = []
        for n in range(60):
            arm = aim.next()
            chosen.append(arm)
            aim.tell(arm, n % 7 == 0)
        return chosen

    first = choices()
    assert first == choices()
    assert all(len(arm.offsets) == len(latencies) and min(arm.offsets) == 0 for arm in first)


def test_words_say_who_waits_and_why() -> None:
    aim = Aim((4.2 * MS, 1.2 * MS), groups=(0, 1))
    assert aim.learned.words == "racer B after 3.00 ms (the difference of their latencies)"


def test_an_arm_of_another_search_is_a_defect() -> None:
    with pytest.raises(KeyError):
        Aim((MS, 2 * MS)).tell(Arm((0.5, 0.0), ""), hit=True)


def test_tallies_are_ranked_and_complete() -> None:
    aim = Aim((4 * MS, MS))
    total = hits(aim, (3 * MS, 0.0), 100)
    assert sum(tally.trials for tally in aim.tallies) == 100
    assert sum(tally.hits for tally in aim.tallies) == total
    assert aim.tallies[0].arm == aim.best
