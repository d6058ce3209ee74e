"""What is said of each strategy: a share, a promise, and nothing where one search exhausted everything."""

from deadheat.model import Exploration, Interval, Tally
from deadheat.report.explored import status
from deadheat.report.strategies import lines

SEARCH = Tally("source-DPOR with sleep sets", 6, 1, 4)


def explored(*tallies: Tally, bound: int | None = None) -> Exploration:
    return Exploration("s", 4, (), 6, 1, False, 1.0, bound=bound, strategies=tallies)


def test_one_exhaustive_search_needs_no_words() -> None:
    assert lines(explored(SEARCH)) == []
    assert lines(explored()) == []


def test_samples_are_told_with_their_interval_and_their_promise() -> None:
    pct = Tally("PCT depth 2", 200, 9, 7, True, Interval(0.0238, 0.0833), 2, 1 / 64, 0.0429)
    walk = Tally("random walk", 200, 0, 0, True, Interval(0, 0.0188))
    promise = (
        "PCT depth 2: 200 orders, 9 violate, first no. 7 (2.38–8.33 % of such orders do, at 95 % confidence);"
        " each shows a given race of depth 2 with a chance of at least 1 in 64: one that is there was missed"
        " with at most 4.29 %"
    )
    assert lines(explored(SEARCH, pct, walk, Tally("POS", 0, 0, sampled=True))) == [
        "source-DPOR with sleep sets: 6 orders, 1 violates, first no. 4",
        promise,
        "random walk: 200 orders, none violates (0–1.88 % of such orders do, at 95 % confidence)",
    ]


def test_what_is_hardly_possible_is_not_called_impossible() -> None:
    sure = Tally("PCT depth 2", 9, 0, 0, True, Interval(0, 0.3), 2, 0.5, 1e-9)
    assert lines(explored(sure))[0].endswith("missed with at most 0.01 %")


def test_where_everything_was_exhausted_samples_count_no_order_twice() -> None:
    whole = Tally("source-DPOR with sleep sets", 545, 0, complete=True)
    beside = Tally("random walk", 33, 0, sampled=True, rate=Interval(0, 0.1))
    complete = Exploration("s", 6, (), 578, 0, True, 1.0, bound=0, strategies=(whole, beside))
    assert lines(complete) == []
    assert status(complete) == "all 545 orders explored, none violates"


def test_the_bound_is_told() -> None:
    assert lines(explored(SEARCH, bound=0)) == ["every order without preemption was run"]
    assert lines(explored(SEARCH, bound=2)) == ["every order with at most 2 preemptions was run"]
