"""A request while one execution is under way: where it is, and what it waits for.

Owns the words alone; `statements.run` moves requests from one phase to the next.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic

from deadheat.engine.statements.gate import UNKNOWN, L
from deadheat.io.http import Connection
from deadheat.model import Response
from deadheat.schedule import Op


class Anew(Exception):  # noqa: N818 - no error
    """The execution is to be begun again, with more of the order known beforehand."""

    def __init__(self, prefix: tuple[int, ...], asleep: frozenset[int]) -> None:
        """Begin with `prefix`; whoever is asleep after it."""
        super().__init__(prefix)
        self.prefix = prefix
        self.asleep = asleep


class Phase(Enum):
    """Where a request is."""

    UNSENT = "unsent"  # the request is sent when its first step is granted
    RUNNING = "running"
    HELD = "held"  # its next statement waits to be granted
    BLOCKED = "blocked"  # its statement waits for another request
    BEHIND = "behind"  # its answer comes after one to a statement still held, on the same connection
    READY = "ready"  # its statement no longer waits; the answer is kept until granted
    DONE = "done"
    LOST = "lost"  # it waits for something that is no statement and no other request


@dataclass
class Actor(Generic[L]):
    """One request, by its number, and the connection on which it is answered."""

    number: int
    connection: Connection
    phase: Phase = Phase.RUNNING
    lane: L | None = None
    response: Response | None = None
    op: Op = UNKNOWN
    """What its last step did, or is about to do once nobody is in its way."""
    waits_for: frozenset[int | None] = frozenset()
    blocked_at: int = 0
    """The number of the step that began to wait."""
    since: float = 0.0
    """When that was."""
    queued: bool = False
    """Whether it waits here for its turn to wait in the store: two that wait there go in any order."""
