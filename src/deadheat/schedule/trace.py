"""The words of the search: operations, steps, traces, and what a strategy is.

A *step* takes one actor from the probe at which it is held to its next probe, or to its end.
Steps are atomic for the search. The operation of a held actor does not change while others run,
which is what lets one trace tell the pending operation of every actor at every state it passed.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct

from deadheat.schedule.policy import Policy


class Op(NamedTuple):
    """What a step does, as far as dependency is concerned.

    `resource` is what the source says is touched, 0 for unknown, which conflicts with
    everything: a wrong *independence* makes a reduced search unsound, a wrong dependence only
    makes it longer. `place` is the very object touched (0 for unknown): where both steps know
    theirs, it decides, so that two locks of one table of locks do not conflict. A step that touches
    several things has an `Op` for each of the others in `more`; those have none themselves.
    """

    resource: int
    write: bool = True
    place: int = 0
    more: tuple["Op", ...] = ()

    @property
    def resources(self) -> tuple[int, ...]:
        """What the source says is touched; 0 among it is anything."""
        return (self.resource, *(op.resource for op in self.more))

    def conflicts(self, other: "Op") -> bool:
        """Whether the two do not commute: same object (or unknown), and not both reads."""
        if self.more or other.more:
            return any(_meet(one, two) for one in self.each() for two in other.each())
        return _meet(self, other)

    def each(self) -> tuple["Op", ...]:
        """Give the things that are touched, one by one."""
        return (self, *self.more)

    def also(self, others: Iterable["Op"]) -> "Op":
        """Give what does all this and what `others` do."""
        found = dict.fromkeys(
            (each.resource, each.write, each.place) for op in (self, *others) for each in op.each()
        )
        kept = [Op(*each) for each in found if each[0] >= 0]
        if any(op.write and not op.resource for op in kept):
            return Op(0)
        return kept[0]._replace(more=tuple(kept[1:])) if kept else NOTHING


def _meet(one: Op, two: Op) -> bool:
    """Whether the first things of two steps do not commute."""
    if not (one.write or two.write):
        return False
    if one.place and two.place:
        return one.place == two.place
    if one.resource == two.resource:
        return one.resource >= 0
    return (not one.resource and two.resource >= 0) or (not two.resource and one.resource >= 0)


NOTHING = Op(-1, False)
"""What a step does that no other can tell: it commutes with every one, known or not."""


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
    """Follow `prefix`; then let anyone go but the actors asleep at its end, as `policy` chooses.

    Without a policy whoever went last goes on if it can, else the lowest: the fewest switches.
    """

    prefix: tuple[int, ...] = ()
    sleep: frozenset[int] = frozenset()
    policy: Policy | None = None


class Problem(Struct, frozen=True):
    """What a strategy is made for: so many concurrent actors, and what is known about them.

    `twins` gives, for an actor that does exactly what an earlier one does, the closest such one
    (see `symmetry`). `seed` is where chance begins. `suspects` are resources whose accesses are worth
    ordering, empty when nothing is suspected. `bound` is the most preemptions, None for any.
    """

    actors: int = 2
    twins: Mapping[int, int] = {}
    seed: int = 0
    suspects: frozenset[int] = frozenset()
    bound: int | None = None


class Diverged(Exception):  # noqa: N818 - the field's word for it
    """The application did not do the same thing again: its steps are not a function of the order.

    Reset it properly, or mask what is random in it; until then nothing is known about it. `after` is
    the number of steps in which it was followed, where that is known.
    """

    def __init__(self, message: str, after: int | None = None) -> None:
        """Say in words what was not the same."""
        super().__init__(message)
        self.after = after


class Strategy(Protocol):
    """A search: made from a `Problem`, it proposes executions one by one and learns from each."""

    @property
    def words(self) -> str:
        """What reports call it."""

    def propose(self) -> Proposal | None:
        """Give the next execution, or None when the search space is exhausted."""

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Guess what is proposed next, at most `count`, were nothing learned from what runs now."""

    def observe(self, trace: Trace) -> bool:
        """Learn from the execution of the last proposal; whether it counts.

        It does not where it was cut short: the search covers what it turned into elsewhere.

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
