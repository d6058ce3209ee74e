"""How much may still be sent, and when: the caps on requests and rate, and what the server asks for.

Owns the counting. It must not know what the requests are for. Whoever sends asks first; when
nothing is left, `Spent` ends the attack and what was measured is kept.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from deadheat.model import Response

LONGEST_WAIT = 60.0
"""Seconds: a server that wants us gone for longer is left alone."""


class Spent(Exception):  # noqa: N818 - not an error: the end of what was allowed
    """Nothing more may be sent, and why."""


@dataclass
class Allowance:
    """`requests` in all, at most `rate` a second on average; `pause` waits, the connections served."""

    requests: int
    rate: float
    pause: Callable[[float], None]
    sent: int = 0
    _due: float = field(default_factory=time.monotonic)
    _asked: float = 0.0

    def take(self, count: int) -> None:
        """Ask leave to send `count` requests now; waits where the rate says so.

        Raises:
            Spent: so many are not left, or the server asked for a longer wait than is reasonable.
        """
        if self.sent + count > self.requests:
            raise Spent(f"the cap of {self.requests:,} requests is reached; raise --budget for more")
        if self._asked > LONGEST_WAIT:
            raise Spent(f"the server asks to be left alone for {self._asked:.0f} s (Retry-After)")
        now = time.monotonic()
        wait = max(self._due - now, self._asked)
        if wait > 0:
            self.pause(wait)
        self._asked = 0.0
        self.sent += count
        self._due = max(self._due, time.monotonic() - 1.0) + count / self.rate

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return self.requests - self.sent

    def heard(self, response: Response | None) -> None:
        """Take note of what an answer asks: `429` or `503` with `Retry-After` (RFC 9110, 10.2.3)."""
        if response is None or response.status not in {429, 503}:
            return
        for name, value in response.headers:
            if name.lower() == "retry-after":
                self._asked = max(self._asked, _seconds(value))


def _seconds(value: str) -> float:
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
