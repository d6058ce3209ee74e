"""What a server says unasked when WebSockets are opened, and the wait until it has said it.

Owns the count of these messages and the patience for them. A carrier takes the first message after the
release for the answer; a welcome that comes a moment late would be taken for one. Nothing in the
protocol says how many there are, so it is found out: the first time these WebSockets are opened, by
waiting until they have been quiet for a while; from then on, by waiting for as many.
"""

import time
from collections.abc import Sequence

from deadheat.io.release import Releaser
from deadheat.model import Request
from deadheat.wire import CarrierW

_QUIET = 0.25  # seconds without a message after which no more is expected
_LONGEST = 2.0  # seconds: a server that never stops talking is not waited for


class Greetings:
    """How many messages come unasked, by what was opened."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[tuple[str, ...], int] = {}

    def awaited(self, releaser: Releaser, requests: Sequence[Request]) -> None:
        """Wait until the WebSockets of these messages, open and not yet released, have greeted.

        All together are counted: who is told that somebody joined depends on who came first.
        """
        opened = tuple(sorted(request.target for request in requests))
        known = self._known.get(opened)
        if known is not None:
            releaser.wait(_QUIET, lambda: _unasked(releaser) >= known)
            return
        end = time.monotonic() + _LONGEST
        heard = -1
        while heard < (now := _unasked(releaser)) and time.monotonic() < end:
            heard = now
            releaser.wait(_QUIET, lambda: _unasked(releaser) > now)
        self._known[opened] = _unasked(releaser)


def _unasked(releaser: Releaser) -> int:
    carriers = [lane.carrier for lane in releaser.lanes]
    return sum(carrier.unasked for carrier in carriers if isinstance(carrier, CarrierW))
