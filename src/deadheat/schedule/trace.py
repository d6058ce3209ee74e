"""The words of the search: operations, steps, traces, and what a strategy is.

A *step* takes one actor from the probe at which it is held to its next probe, or to its end.
Steps are atomic for the search. The operation of a held actor does not change while others run,
which is what lets one trace tell the pending operation of every actor at every state it passed.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct


class Op(NamedTuple):
    """What a step does, as far as dependency is concerned.

    `resource` is what the source says is touched, 0 for unknown, which conflicts with
    everything: a wrong *independence* makes a reduced search unsound, a wrong dependence only
    makes it longer. `place` is the very object touched (0 for unknown): where both steps know
    theirs, it decides, so that two locks of one table of locks do not conflict.
    """

    resource: int
    write: bool = True
    place: int = 0

    def conflicts(self, other: "Op") -> bool:
        """Whether the two do not commute: same object (or unknown), and not both reads."""
        if not (self.write or other.write):
            return False
        if self.place and other.place:
            return self.place == other.place
        return self.resource == other.resource or not self.resource or not other.resource


class TraceStep(NamedTuple):
    """`actor` performed `op` at probe `point`, chosen among `enabled` actors."""

    actor: int
    op: Op
    enabled: frozenset[int]
    point: int = 0


class End(StrEnum):
    """How an execution ended."""

    DONE = "done"  # every actor finished
    STUCK = "stuck"  # each unfinished actor waits for a lock: a deadlock
    HUNG = "hung"  # unfinished actors wait for something no probe sees
    REDUNDANT = "redundant"  # only sleeping actors were enabled: covered elsewhere
    DIVERGED = "diverged"  # the prefix could not be followed


class Trace(Struct, frozen=True):
    """One execution: its steps, how it ended, and what unfinished actors were about to do."""

    steps: tuple[TraceStep, ...]
    end: End = End.DONE
    pending: tuple[tuple[int, Op], ...] = ()

    @property
    def order(self) -> tuple[int, ...]:
        """The actors in step order."""
        return tuple(step.actor for step in self.steps)


class Proposal(NamedTuple):
    """Follow `prefix`; then let anyone go but the actors asleep at its end."""

    prefix: tuple[int, ...] = ()
    sleep: frozenset[int] = frozenset()


class Diverged(Exception):  # noqa: N818 - the field's word for it
    """The application did not do the same thing again: its steps are not a function of the order.

    Reset it properly, or mask what is random in it; until then nothing is known about it.
    """


class Strategy(Protocol):
    """A search: proposes executions one by one and learns from each."""

    def propose(self) -> Proposal | None:
        """Give the next execution, or None when the search space is exhausted."""

    def observe(self, trace: Trace) -> None:
        """Learn from the execution of the last proposal.

        Raises:
            Diverged: the trace contradicts an earlier one with the same prefix.
        """


def pending_operations(trace: Trace) -> Iterable[dict[int, Op]]:
    """Give, for each state the trace passed (before each step), what every actor does next."""
    ahead = dict(trace.pending)
    states: list[dict[int, Op]] = []
    for step in reversed(trace.steps):
        ahead = ahead | {step.actor: step.op}
        states.append(ahead)
    return reversed(states)
