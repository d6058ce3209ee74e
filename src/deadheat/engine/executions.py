"""What can be read off one execution, and the words for it.

Pure. Owns nothing else.
"""

from collections.abc import Sequence

from deadheat.engine.target import Observed
from deadheat.schedule import End, Trace

UNSEEN = (
    "no request came to a probe, so no order was tried: what they share is used by code that carries none"
    " (another crate, a macro, a library that is not known); try --via postgres, or `deadheat attack`"
)
DOOR = (
    "some request came to its first probe only after others had gone on: something that no probe sees lets"
    " in fewer at a time (a pool of connections smaller than the number of requests? enlarge it, by"
    " ROCKET_DATABASES under [app.env] in deadheat.toml or in the code)"
)


def followed(observed: Observed, order: Sequence[int]) -> bool:
    """Whether an execution begins with `order`."""
    trace = observed.execution.trace
    return trace.end is not End.DIVERGED and trace.order[: len(order)] == tuple(order)


def late(trace: Trace) -> bool:
    """Whether an actor that took steps was not at its first probe when the execution began."""
    return bool(trace.steps) and not {step.actor for step in trace.steps} <= trace.steps[0].enabled


def letters(actors: Sequence[int]) -> str:
    """Give the names of requests: `ABA`."""
    return "".join(chr(ord("A") + actor) for actor in actors)
