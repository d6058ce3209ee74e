"""The best witness of a finding that a search has found by now."""

from msgspec import Struct

from deadheat.engine.target import Observed
from deadheat.model import Violation


class Candidate(Struct, frozen=True):
    """A violating execution: in which order, what was seen, and why it is one."""

    order: tuple[int, ...]
    observed: Observed
    verdict: Violation

    @property
    def cost(self) -> tuple[int, int]:
        """What makes a schedule hard to read: switches between requests, then steps."""
        switches = sum(a != b for a, b in zip(self.order, self.order[1:], strict=False))
        return switches, len(self.order)
