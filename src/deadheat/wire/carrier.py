"""What carries racers: one connection, as bytes in and events out.

Owns the words between framing (`carrier1`, `carrier2`, `carrierw`) and whoever holds the sockets. A
carrier takes racers by slot: the position of a request in the sequence given to `prepare`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from deadheat.model import Request, Response, Version
from deadheat.wire.plan import ReleasePlan


class Parked(NamedTuple):
    """The server has shown that it holds everything this carrier sent ahead."""


class Begun(NamedTuple):
    """The first bytes of an answer have come."""

    slot: int


class Answered(NamedTuple):
    """An answer is whole."""

    slot: int
    response: Response


class Lost(NamedTuple):
    """No answer will come; `may_have_run` is False when the server said it did not look at it."""

    slot: int
    reason: str
    may_have_run: bool


Event = Parked | Begun | Answered | Lost


class Prepared(NamedTuple):
    """Bytes to send ahead, then per racer the bytes to hold until the release, in order.

    `signal` says whether a `Parked` event is going to confirm what was sent ahead.
    """

    ahead: bytes
    tails: tuple[bytes, ...]
    signal: bool


class Carrier(Protocol):
    """One connection of one version of HTTP, without its socket."""

    version: Version

    @property
    def ready(self) -> bool:
        """Whether the peer's part of the greeting has come, so that racers can be prepared."""

    @property
    def capacity(self) -> int:
        """How many racers it can take now; 0 when it is busy or will never take one again."""

    def fits(self, request: Request) -> bool:
        """Whether this connection, and not just any, may carry the request."""

    def greeting(self) -> bytes:
        """Give what is sent when the connection opens."""

    def prepare(self, requests: Sequence[Request], plan: ReleasePlan) -> Prepared:
        """Frame racers, in the order in which their tails will be sent.

        Raises:
            TargetError: they cannot be framed, or the peer's limits do not admit them.
        """

    def wants(self, slot: int) -> bool:
        """Whether the tail of this racer is still to be sent."""

    def released(self, slot: int) -> None:
        """Take note that the tail of this racer went out."""

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes from the peer; none means that it closed."""

    def replies(self) -> bytes:
        """Give what the protocol owes the peer by now: acknowledgements, window updates."""
