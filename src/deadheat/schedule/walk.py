"""A random walk: at each step anybody who can go, each as likely. The baseline of all samplers.

What it misses is known: orders in which few of a long actor's steps meet many of another's are
exponentially unlikely, since every step is a coin flip that may go the other way.
"""

from dataclasses import dataclass

from deadheat.schedule.policy import Kind, Policy
from deadheat.schedule.sampler import Sampler


@dataclass
class RandomWalk(Sampler):
    """Uniform choices, step by step."""

    @property
    def words(self) -> str:
        """What reports call it."""
        return "random walk"

    def policy(self, seed: int) -> Policy:
        """Give the next walk."""
        return Policy(Kind.WALK, seed)
