"""Histories to verdicts: is there a sequential order that explains what was seen?

Owns what makes an outcome a race. It must not know how outcomes are produced: it compares
values. Every check answers with three values: ok, violation, unknown.

A new oracle is one file here with a function from observations to a `Verdict`, and one line in
this list.
"""

from deadheat.oracle.canon import Canon, Observation, sorted_collections
from deadheat.oracle.serial import aborted, judge, nearest, serial_orders
from deadheat.oracle.statistics import wilson

__all__ = [
    "Canon",
    "Observation",
    "aborted",
    "judge",
    "nearest",
    "serial_orders",
    "sorted_collections",
    "wilson",
]
