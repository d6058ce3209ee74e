"""Every interleaving, depth first, with no reduction at all.

The yardstick: reduced searches are tested against it. Stateless search by re-execution, as
VeriSoft did it first (Godefroid, *Model checking for programming languages using VeriSoft*,
POPL 1997).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deadheat.schedule.trace import Diverged, Problem, Proposal, Trace


@dataclass
class _Node:
    """A state on the current path: who could go, and who is still to be tried."""

    enabled: frozenset[int]
    chosen: int
    untried: set[int]


@dataclass
class Exhaustive:
    """Depth-first enumeration of all schedules."""

    problem: Problem = field(default_factory=Problem)
    _path: list[_Node] = field(default_factory=list)
    _started: bool = False

    @property
    def words(self) -> str:
        """What reports call it."""
        return "plain depth-first search"

    def propose(self) -> Proposal | None:
        """Give the next untried branch, deepest first."""
        if not self._started:
            self._started = True
            return Proposal()
        while self._path and not self._path[-1].untried:
            self._path.pop()
        if not self._path:
            return None
        node = self._path[-1]
        node.chosen = min(node.untried)
        node.untried.discard(node.chosen)
        return Proposal(tuple(node.chosen for node in self._path))

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Give nothing: what comes next depends on how deep this one goes."""
        return ()

    def observe(self, trace: Trace) -> bool:
        """Append the states beyond the prefix that was asked for."""
        for node, step in zip(self._path, trace.steps, strict=False):
            if node.chosen != step.actor or node.enabled != step.enabled:
                raise Diverged(f"step of actor {step.actor} was not the one seen before")
        for step in trace.steps[len(self._path) :]:
            self._path.append(_Node(step.enabled, step.actor, set(step.enabled - {step.actor})))
        return True
