"""One HTTP/1.1 connection carries one racer.

Owns the racer's way from parked to answered. Pipelining is no help to a race: servers handle the
requests of one connection one after the other (RFC 9112, section 9.3.2).
"""

from collections.abc import Sequence

from deadheat.model import Request, TargetError, Version
from deadheat.wire.carrier import Answered, Begun, Event, Lost, Parked, Prepared
from deadheat.wire.http1 import Exchange
from deadheat.wire.plan import ReleasePlan


class Carrier1:
    """See `Carrier`; its only slot is 0."""

    version = Version.H1
    ready = True

    def __init__(self, authority: str) -> None:
        """`authority` is what the `Host` header says."""
        self._exchange = Exchange(authority)
        self._waiting = False  # a racer has no answer yet
        self._owing = False  # the racer's tail has not been sent
        self._begun = False
        self._signal = False
        self._broken = False

    @property
    def capacity(self) -> int:
        """One racer, while the connection is kept alive and idle."""
        usable = not (self._broken or self._waiting or self._owing) and self._exchange.usable
        return 1 if usable else 0

    def fits(self, request: Request) -> bool:
        """Every request does."""
        return True

    def greeting(self) -> bytes:
        """HTTP/1.1 has none."""
        return b""

    def prepare(self, requests: Sequence[Request], plan: ReleasePlan) -> Prepared:
        """Frame the one racer."""
        if len(requests) != 1:
            raise TargetError(f"an HTTP/1.1 connection carries one racer at a time, not {len(requests)}")
        extra = plan.headers(requests[0])
        ahead, tail = plan.split(self._exchange.frame(requests[0], *extra))
        self._waiting = self._owing = True
        self._begun = False
        self._signal = bool(extra)
        return Prepared(ahead, (tail,), self._signal)

    def wants(self, slot: int) -> bool:
        """Not when the server answered before the body: it would read the tail as a request."""
        return self._owing and self._waiting

    def released(self, slot: int) -> None:
        """The request is whole."""
        self._owing = False

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the answer."""
        if not self._waiting:
            self._broken = True  # it closed, or speaks without being asked
            return []
        events: list[Event] = []
        try:
            response = self._exchange.receive(data)
        except TargetError as error:
            self._waiting, self._broken = False, True
            return [Lost(0, str(error), may_have_run=True)]
        if self._signal and self._exchange.continued:
            self._signal = False
            events.append(Parked())
        if self._exchange.begun and not self._begun:
            self._begun = True
            events.append(Begun(0))
        if response is not None:
            self._waiting = False
            self._broken = self._owing
            events.append(Answered(0, response))
        return events

    def replies(self) -> bytes:
        """HTTP/1.1 owes nothing."""
        return b""
