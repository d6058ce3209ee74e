"""Verdicts have three values; a time-out is unknown, never ok."""

from msgspec import Struct


class Outcome(Struct, frozen=True, order=True):
    """What a client can tell of one execution, canonical: answers and final state.

    `responses` has one text per racer (`200 "2"`), `state` the observed values after
    quiescence. Two executions with equal outcomes cannot be told apart.
    """

    responses: tuple[str, ...]
    state: tuple[tuple[str, str], ...] = ()


class SerialOutcome(Struct, frozen=True, order=True):
    """The outcome of one serial order of the racers (actor indices, in order)."""

    order: tuple[int, ...]
    outcome: Outcome


class Ok(Struct, frozen=True, tag="ok"):
    """Some sequential order explains what was seen: `witness` is one."""

    witness: tuple[int, ...] = ()


class Violation(Struct, frozen=True, tag="violation"):
    """No sequential order explains what was seen; `nearest` are the orders that come closest."""

    explanation: str
    observed: Outcome
    serial: tuple[SerialOutcome, ...] = ()
    deadlock: bool = False


class Unknown(Struct, frozen=True, tag="unknown"):
    """Nothing can be concluded, and why."""

    reason: str


Verdict = Ok | Violation | Unknown
