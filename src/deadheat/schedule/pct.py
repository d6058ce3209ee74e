"""Probabilistic concurrency testing: each schedule shows a defect of depth d with a chance known before.

Theory. The *depth* of a defect is the least number of ordering constraints between steps that suffice
for it: a lost update has depth 2 (A reads before B writes, B writes before A does), a deadlock of two
lock orders too. Actors have random priorities, and at d - 1 random steps the one in front falls behind
all others. For n actors and at most k steps a schedule then shows any one defect of depth d with a
probability of at least 1 / (n · k^(d-1)): Burckhardt, Kothari, Musuvathi, Nagarakatte, *A randomized
scheduler with probabilistic guarantees of finding bugs*, ASPLOS 2010, theorem 9.

k is not known beforehand. Change points are drawn below the most steps seen by then, and what was drawn
before that number last grew is not counted among the schedules that the promise is made for.
"""

from dataclasses import dataclass

from deadheat.schedule.policy import Kind, Policy
from deadheat.schedule.sampler import Chance, Sampler
from deadheat.schedule.trace import Trace


@dataclass
class Pct(Sampler):
    """Priorities by actor, with `depth` - 1 change points."""

    depth: int = 2
    _steps: int = 0
    _counted: int = 0

    @property
    def words(self) -> str:
        """What reports call it."""
        return f"PCT depth {self.depth}"

    def policy(self, seed: int) -> Policy:
        """Draw change points below the most steps seen."""
        changes = tuple(self.random.below(self._steps) for _ in range(self.depth - 1) if self._steps)
        return Policy(Kind.PCT, seed, changes)

    def learn(self, trace: Trace) -> None:
        """Count the schedule, and its steps."""
        self._counted += 1
        self.reach(len(trace.steps))

    def reach(self, steps: int) -> None:
        """Begin again with the promise where there are more steps than it was made for."""
        if steps > self._steps:
            self._steps, self._counted = steps, 0
            self.draw_anew()

    @property
    def chance(self) -> Chance | None:
        """Give the promise for the schedules drawn since the number of steps last grew, if any."""
        if not self._steps:
            return None
        least = 1 / (self.problem.actors * self._steps ** (self.depth - 1))
        return Chance(self.depth, least, self._counted, self._steps)
