"""Selectively uniform random walk: every order of the *interesting* steps is as likely.

Theory. If each actor's number of interesting steps is known, drawing whose interesting step comes next
by what each has left makes all their orders equally likely, however many other steps lie between. Zhao,
Wolff, Mathur, Roychoudhury, *Selectively uniform concurrency testing*, ASPLOS 2025. Interesting is what a
review suspects; without a suspicion, the resources on which steps of two actors were seen to conflict.
Numbers are the most seen by now: an actor that takes more has each of them counted as one more, so that
no order has no chance.
"""

from dataclasses import dataclass, field

from deadheat.schedule.policy import Kind, Policy
from deadheat.schedule.sampler import Sampler
from deadheat.schedule.trace import Trace


@dataclass
class Surw(Sampler):
    """Uniform over the orders of interesting steps."""

    _contended: frozenset[int] = frozenset()
    _counts: dict[int, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What reports call it."""
        return "SURW"

    def policy(self, seed: int) -> Policy:
        """Give the next draw, with what was counted."""
        counts = tuple(self._counts.get(actor, 0) for actor in range(self.problem.actors))
        return Policy(Kind.SURW, seed, counts=counts, interesting=self._interesting)

    def learn(self, trace: Trace) -> None:
        """Learn what is contended, unless something is suspected; count each actor's interesting steps."""
        if not self.problem.suspects:
            known = self._contended
            self._contended |= contended(trace)
            if self._contended != known:
                self._counts = {}
        policy = Policy(Kind.SURW, 0, interesting=self._interesting)
        mine = [step.actor for step in trace.steps if policy.is_interesting(step.op.resources)]
        for actor in range(self.problem.actors):
            self._counts[actor] = max(self._counts.get(actor, 0), mine.count(actor))

    @property
    def _interesting(self) -> frozenset[int]:
        return self.problem.suspects or self._contended


def contended(trace: Trace) -> frozenset[int]:
    """Give the resources on which steps of different actors conflict; not those that nobody names."""
    found: set[int] = set()
    for index, step in enumerate(trace.steps):
        for other in trace.steps[:index]:
            if other.actor != step.actor and step.op.conflicts(other.op):
                found |= {*step.op.resources} & {*other.op.resources}
    return frozenset(found - {0})
