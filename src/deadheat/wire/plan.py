"""What a release plan is: how much of a request goes ahead, whatever the version of HTTP.

A plan knows neither frames nor sockets: it says how many body bytes go ahead of the release, and
the version's framing (`http1`, `http2`) holds back at least what ends the message.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from deadheat.model import Gate, Request

PEEK = 14
"""Body bytes that Rocket 0.5 waits for before it looks at a request (or the end of the body)."""


class Split(NamedTuple):
    """The bytes of one HTTP/1.1 request in two pieces: sent ahead, and held until the release."""

    ahead: bytes
    tail: bytes


class ReleasePlan(Struct, frozen=True):
    """Says which part of a request is held back.

    `cut` takes the size of a body and gives how many of its bytes go ahead with the header
    section; None sends nothing ahead. `gate` says where that parks a request on Rocket, given the
    size of its body; `words` is the plan in one sentence; `expect` asks the server to say that it
    has parked a request with a body (HTTP/1.1 alone).
    """

    name: str
    words: str
    cut: Callable[[int], int | None]
    gate: Callable[[int], Gate]
    expect: bool = False

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Headers that the plan adds to an HTTP/1.1 request."""
        return (("expect", "100-continue"),) if self.expect and request.body else ()

    def split(self, data: bytes) -> Split:
        """Split a whole HTTP/1.1 request; at least its last byte is held back."""
        head = data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else len(data)
        body = self.cut(len(data) - head)
        at = 0 if body is None else min(head + body, len(data) - 1)
        return Split(data[:at], data[at:])


def parked_before_guards(_: int) -> Gate:
    """At most 13 body bytes have arrived: not even fairings have run."""
    return Gate.START
