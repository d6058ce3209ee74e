"""What is said of requests that were made smaller: how much, and what was not tried."""

from deadheat.model import Shrunk
from deadheat.report.shrunk import words


def test_only_what_got_smaller_is_told() -> None:
    told = words(Shrunk((12, 12), (40, 20), (214, 31), 57, 1.26, 0, ("the path",)))
    assert told == (
        "Shrunk: body: 214 → 31 bytes, headers: 40 → 20 bytes (57 executions, 1.3 s); the orders were"
        " explored with the whole requests. Not tried: the path."
    )


def test_nothing_is_said_where_nothing_was_there_to_leave_out() -> None:
    assert words(None) == ""
    assert words(Shrunk((0, 0), (20, 20), (5, 5), 9, 0.1, 0, ("the path",))) == ""


def test_a_used_up_budget_is_said() -> None:
    told = words(Shrunk((0, 0), (20, 20), (5, 5), 2_000, 10.0, 12, ("the path",)))
    assert told.startswith("Shrunk: nothing could be left out")
    assert told.endswith("Not tried: the path; 12 more changes: the budget is used up.")
