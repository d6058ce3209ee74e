"""Histories to verdicts: is there a sequential order that explains what was seen?

Owns what makes an outcome a race. It must not know how outcomes are produced: it compares
values. Every check answers with three values: ok, violation, unknown.

A new oracle is one file here with a function from an outcome and the serial outcomes to a
`Verdict`, and one line in `ORACLES`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from deadheat.model import Ok, Outcome, SerialOutcome, Unknown, Verdict, Violation
from deadheat.oracle import serial
from deadheat.oracle.canon import Canon, Observation
from deadheat.oracle.serial import aborted, nearest, serial_orders
from deadheat.oracle.statistics import wilson

Oracle = Callable[[Outcome, Sequence[SerialOutcome]], Verdict]

ORACLES: Mapping[str, Oracle] = MappingProxyType(
    {
        "serial": serial.judge,
    }
)


def judge(observed: Outcome, known: Sequence[SerialOutcome]) -> Verdict:
    """Ask every oracle; a violation outweighs an unknown, and that an ok."""
    verdicts = [oracle(observed, known) for oracle in ORACLES.values()]
    return max(verdicts, key=lambda verdict: _WEIGHT[type(verdict)])


_WEIGHT: Mapping[type[Verdict], int] = MappingProxyType({Ok: 0, Unknown: 1, Violation: 2})

__all__ = [
    "ORACLES",
    "Canon",
    "Observation",
    "Oracle",
    "aborted",
    "judge",
    "nearest",
    "serial_orders",
    "wilson",
]
