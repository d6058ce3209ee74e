"""What a search needs of the application it explores: probes inside it or a proxy before its database.

Owns the face alone; `engine.target` and `statements.target` have it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from deadheat.engine.target import Observed
from deadheat.model import Point, Preparation, Request, Reset
from deadheat.schedule import Proposal


class Executor(Protocol):
    """The application, which can be put back to its first state; each method as in `Target`."""

    @property
    def point_table(self) -> Mapping[int, Point]:
        """The places at which a request can be held, by number."""

    @property
    def initial(self) -> Mapping[str, str]:
        """The initial values of the states met so far, by name."""

    @property
    def restorable(self) -> bool:
        """Whether the initial state can be brought back without asking the application."""

    def prepare(self, setup: Sequence[Preparation]) -> None:
        """Let `setup` be the way to the initial state, from now on."""

    def restart(self) -> None:
        """End the process if there is one, start another and set it up."""

    def reset(self, how: Reset, requests: Sequence[Request] = ()) -> None:
        """Go back to the initial state, if anything happened since."""

    def sequential(
        self, requests: Sequence[Request], order: Sequence[int], probes: Sequence[Request] = ()
    ) -> Observed:
        """Run the requests one after the other, in `order`."""

    def concurrent(
        self,
        requests: Sequence[Request],
        proposal: Proposal,
        probes: Sequence[Request] = (),
        ahead: Sequence[Proposal] = (),
    ) -> Observed:
        """Run the requests concurrently, in the order that `proposal` begins.

        `ahead` are the orders that the next calls will probably ask for, at most `laps.AHEAD`.
        """

    def confirm_stuck(self) -> bool:
        """After a stuck execution: let everybody go, and say whether really nobody ever answers."""

    def abandon(self) -> None:
        """End the application; the next reset starts another."""

    def remember(self) -> bytes:
        """Give what the numbers in its traces stand for, where that is not the same in every process."""

    def recall(self, remembered: bytes) -> None:
        """Take over what another process remembered, so that its traces mean the same here."""
