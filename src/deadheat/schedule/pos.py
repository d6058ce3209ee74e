"""Partial-order sampling: orders of racing steps as likely as can be without counting them.

Theory. Each step has a random priority, and is given a new one when a step that it races with is taken.
So steps that commute do not dilute the chances, and in a program of two racing steps either order is as
likely. Yuan, Yang, Gu, *Partial order aware concurrency sampling*, CAV 2018, algorithm 2.
"""

from dataclasses import dataclass

from deadheat.schedule.policy import Kind, Policy
from deadheat.schedule.sampler import Sampler


@dataclass
class Pos(Sampler):
    """A priority a step, renewed by races."""

    @property
    def words(self) -> str:
        """What reports call it."""
        return "POS"

    def policy(self, seed: int) -> Policy:
        """Give the next draw of priorities."""
        return Policy(Kind.POS, seed)
