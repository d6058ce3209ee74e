"""Serializability by enumeration: needs no model of what the application should do.

The requests are run one after the other in every order from the same initial state; the set of
their outcomes is everything the application may do when they run concurrently. A concurrent
outcome outside that set is a race, and the set is the certificate. (Line-Up: Burckhardt, Dern,
Musuvathi, Tan, PLDI 2010, for objects; here the object is the application.) All racers are
concurrent, so every permutation respects real time and *serializable* equals *linearizable*.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

from deadheat.model import Ok, Outcome, SerialOutcome, Unknown, Verdict, Violation

_QUOTED = 200  # characters of an answer in a sentence


def serial_orders(actors: int) -> Iterator[tuple[int, ...]]:
    """Give every order of `actors` requests."""
    return permutations(range(actors))


def judge(observed: Outcome, serial: Sequence[SerialOutcome]) -> Verdict:
    """Say whether some sequential order explains `observed`."""
    if not serial:
        return Unknown("no sequential order could be run to compare with")
    for candidate in serial:
        if candidate.outcome == observed:
            return Ok(candidate.order)
    if "no answer" in observed.responses:
        return Unknown("a request never answered; it may or may not have taken effect")
    return Violation(_explain(observed, serial), observed, nearest(observed, serial))


def aborted(observed: Outcome) -> tuple[int, ...]:
    """Give the actors that were answered with a server error: they may have rolled back.

    An abort that left no trace is legal under serializability: the outcome must then be one
    of the *other* requests alone.
    """
    return tuple(actor for actor, text in enumerate(observed.responses) if text.startswith("5"))


def nearest(observed: Outcome, serial: Iterable[SerialOutcome]) -> tuple[SerialOutcome, ...]:
    """Give one order per serial outcome, those that agree with `observed` most first."""
    by_outcome: dict[Outcome, SerialOutcome] = {}
    for candidate in serial:
        by_outcome.setdefault(candidate.outcome, candidate)
    return tuple(sorted(by_outcome.values(), key=lambda s: (_distance(observed, s.outcome), s.order)))


def _distance(one: Outcome, other: Outcome) -> int:
    answers = sum(a != b for a, b in zip(one.responses, other.responses, strict=True))
    return answers + len(set(one.state) ^ set(other.state))


def _explain(observed: Outcome, serial: Sequence[SerialOutcome]) -> str:
    """Say in one sentence what is impossible about `observed`."""
    orders = f"none of the {len(serial)} sequential orders"
    answers = sorted(observed.responses)
    if all(sorted(s.outcome.responses) != answers for s in serial):
        if len(set(answers)) == 1 and len(answers) > 1:
            times = "both" if len(answers) == 2 else f"all {len(answers)}"
            return f"{times} requests were answered {_line(answers[0])}; {orders} gives that"
        said = ", ".join(_line(answer) for answer in observed.responses)
        return f"the requests were answered {said}; {orders} gives that"
    if all(s.outcome.state != observed.state for s in serial):
        values = ", ".join(f"{name} = {_line(value)}" for name, value in observed.state)
        return f"every answer is possible, but {orders} leaves {values}"
    return f"{orders} gives these answers together with this state"


def _line(text: str) -> str:
    """An answer or a value within a sentence: a page is neither one line nor short."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _QUOTED else flat[: _QUOTED - 1] + "…"
