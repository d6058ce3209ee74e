"""The oracle: what some order explains is fine, what none explains is a race."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Ok, Outcome, SerialOutcome, Unknown, Violation
from deadheat.oracle import aborted, judge, nearest


def outcome(*responses: str, state: str = "") -> Outcome:
    return Outcome(responses, (("count", state),) if state else ())


INCREMENT_TWICE = (
    SerialOutcome((0, 1), outcome("200 1", "200 2", state="2")),
    SerialOutcome((1, 0), outcome("200 2", "200 1", state="2")),
)


def test_an_outcome_of_some_order_is_explained_by_it() -> None:
    assert judge(outcome("200 2", "200 1", state="2"), INCREMENT_TWICE) == Ok((1, 0))


def test_both_answering_two_is_a_violation_that_says_so() -> None:
    verdict = judge(outcome("200 2", "200 2", state="2"), INCREMENT_TWICE)
    assert isinstance(verdict, Violation)
    assert "both requests were answered 200 2" in verdict.explanation
    assert {serial.order for serial in verdict.serial} == {(0, 1), (1, 0)}


def test_right_answers_and_a_wrong_state_is_a_violation_of_the_state() -> None:
    verdict = judge(outcome("200 1", "200 2", state="1"), INCREMENT_TWICE)
    assert isinstance(verdict, Violation)
    assert "count = 1" in verdict.explanation


def test_a_request_that_never_answered_is_unknown_not_ok() -> None:
    assert isinstance(judge(outcome("200 1", "no answer", state="1"), INCREMENT_TWICE), Unknown)


def test_without_serial_outcomes_nothing_is_known() -> None:
    assert isinstance(judge(outcome("200 1"), ()), Unknown)


def test_server_errors_may_be_aborts() -> None:
    assert aborted(outcome("500 x", "200 1", "503 y")) == (0, 2)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=3), st.integers(2, 6))
def test_a_register_agrees_with_brute_force(writes: list[int], seen: int) -> None:
    """Requests swap a value in and answer the old one: the verdict is membership, nothing else."""

    def run(order: tuple[int, ...]) -> Outcome:
        value, answers = 9, [0] * len(writes)
        for actor in order:
            answers[actor], value = value, writes[actor]
        return outcome(*(f"200 {answer}" for answer in answers), state=str(value))

    serial = [SerialOutcome(order, run(order)) for order in permutations(range(len(writes)))]
    observed = outcome(*(["200 9"] + [f"200 {seen % 4}"] * (len(writes) - 1)), state=str(seen))
    explained = any(candidate.outcome == observed for candidate in serial)
    assert isinstance(judge(observed, serial), Ok) == explained


def test_nearest_puts_what_agrees_most_first() -> None:
    assert nearest(outcome("200 1", "200 2", state="1"), INCREMENT_TWICE)[0].order == (0, 1)


def test_a_page_is_quoted_in_one_short_line() -> None:
    page = "200 <html>\n  <p>2</p>\n" + "x" * 5000
    verdict = judge(outcome(page, page), [SerialOutcome((0, 1), outcome(page, "200 1"))])
    assert isinstance(verdict, Violation)
    assert "answered 200 <html> <p>2</p> x" in verdict.explanation
    assert len(verdict.explanation) < 400
