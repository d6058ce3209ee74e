"""What the strategies have in common that leave the order to chance.

Owns the seeds and the honest end of it: a sampler never covers anything, so it is never exhausted; its
budget is somebody else's. Whatever it proposes is feasible, since the choice is made among those who can
go, where the schedule is executed (`policy`). Twins are not used: they would distort the chances.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from msgspec import Struct

from deadheat.schedule.policy import Policy, SplitMix
from deadheat.schedule.trace import End, Problem, Proposal, Trace


class Chance(Struct, frozen=True):
    """What a sampler promises of defects of some `depth`: the least chance that a schedule shows one.

    `schedules` of them were drawn under this promise, with at most `steps` steps each.
    """

    depth: int
    least: float
    schedules: int
    steps: int

    @property
    def missed(self) -> float:
        """The most probable it is that a defect of this depth is there and none of them showed it."""
        return float((1 - self.least) ** self.schedules)


@dataclass
class Sampler(ABC):
    """Proposes one policy after the other, each with a seed of its own."""

    problem: Problem = field(default_factory=Problem)

    def __post_init__(self) -> None:
        """Begin with the problem's seed."""
        self.random = SplitMix(self.problem.seed)
        self._drawn: deque[tuple[int, Proposal]] = deque()  # each with where chance stood before it

    def propose(self) -> Proposal:
        """Give the next draw."""
        return self._drawn.popleft()[1] if self._drawn else self._draw()

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Give the next draws, as they are with what is known by now."""
        while len(self._drawn) < count:
            self._drawn.append((self.random.state, self._draw()))
        return [proposal for _, proposal in islice(self._drawn, count)]

    def draw_anew(self) -> None:
        """Take back what was drawn ahead."""
        if self._drawn:
            self.random = SplitMix(self._drawn[0][0])
            self._drawn.clear()

    def _draw(self) -> Proposal:
        return Proposal(policy=self.policy(self.random.draw()))

    def observe(self, trace: Trace) -> bool:
        """Learn what the next policy needs; every execution counts, unless the prefix was not there."""
        if trace.end is not End.DIVERGED:
            self.learn(trace)
        return True

    @property
    @abstractmethod
    def words(self) -> str:
        """What reports call it."""

    @abstractmethod
    def policy(self, seed: int) -> Policy:
        """Give the policy of the next execution."""

    def learn(self, trace: Trace) -> None:  # noqa: B027 - most have nothing to learn
        """Take from an execution what helps the next."""

    def reach(self, steps: int) -> None:  # noqa: B027 - most do not count
        """Learn that some schedule, of whichever strategy, had so many steps."""

    @property
    def chance(self) -> Chance | None:
        """What is promised, if anything is."""
        return None
