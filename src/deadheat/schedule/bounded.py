"""Few preemptions first: every order with none, then every order with one, and so on.

Theory. A *preemption* is a switch away from an actor that could have gone on; switches from one that
finished or waits are free. Most races need one or two: Musuvathi and Qadeer, *Iterative context bounding
for systematic testing of multithreaded programs*, PLDI 2007, whose algorithm 1 this is: an execution
costs nothing new until an alternative in it does, and those that cost one more wait for the next round.
So each order is executed once, and the rounds that were finished are a bound that can be stated.

No partial-order reduction within a bound: the one order that a reduction keeps of a class may cost more
preemptions than another of it, so that the class would be lost at this bound (Coons, Musuvathi, McKinley,
*Bounded partial-order reduction*, OOPSLA 2013). Twins are kept apart from that: a renaming changes no
switch, so of orders that differ in the names of identical actors one is enough here too (`symmetry`).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from deadheat.schedule.symmetry import may_begin
from deadheat.schedule.trace import Diverged, End, Problem, Proposal, Trace


@dataclass
class Bounded:
    """All orders by rising number of preemptions, up to the bound of the problem."""

    problem: Problem = field(default_factory=Problem)
    preemptions: int = 0
    """Those of the orders that are executed at the moment."""
    exhausted: bool = False
    """Whether there is no order that was not executed, with however many preemptions."""
    stopped: bool = False
    """Whether the problem's bound was reached with more orders beyond it."""
    _now: deque[tuple[int, ...]] = field(default_factory=lambda: deque([()]))
    _later: deque[tuple[int, ...]] = field(default_factory=deque)
    _prefix: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """What reports call it."""
        return "preemption bounds"

    @property
    def completed(self) -> int | None:
        """The bound within which every order was executed, None when not even 0."""
        done = self.preemptions if self.exhausted or self.stopped else self.preemptions - 1
        return None if done < 0 else done

    def propose(self) -> Proposal | None:
        """Give the next order of this round, or the first of the next."""
        if not self._now:
            if not self._later:
                self.exhausted = True
                return None
            if self.preemptions == self.problem.bound:
                self.stopped = True
                return None
            self.preemptions += 1
            self._now, self._later = self._later, deque()
        self._prefix = self._now.popleft()
        return Proposal(self._prefix)

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Give the next orders of this round: what is found meanwhile comes behind them."""
        return [Proposal(prefix) for prefix in islice(self._now, count)]

    def observe(self, trace: Trace) -> bool:
        """Note the alternatives beyond the prefix by what they cost; whether no twin began too early."""
        order = trace.order
        if trace.end is End.DIVERGED or order[: len(self._prefix)] != self._prefix:
            raise Diverged("the application could not follow an order it had offered before")
        begun = frozenset(self._prefix)
        for depth, step in enumerate(trace.steps[len(self._prefix) :], len(self._prefix)):
            last = order[depth - 1] if depth else None
            allowed = {a for a in step.enabled if may_begin(a, begun, self.problem.twins)}
            for actor in sorted(allowed - {step.actor}):
                costs = last is not None and last in step.enabled and actor != last
                (self._later if costs else self._now).append((*order[:depth], actor))
            if step.actor not in allowed:
                return False
            begun |= {step.actor}
        return True
