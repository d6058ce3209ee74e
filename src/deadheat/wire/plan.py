"""What a release plan is."""

from typing import NamedTuple, Protocol


class Split(NamedTuple):
    """The bytes of one request in two pieces: sent ahead, and held until the release."""

    ahead: bytes
    tail: bytes


class ReleasePlan(Protocol):
    """Says which bytes of a framed request are held back."""

    def __call__(self, data: bytes) -> Split:
        """Split a whole request."""
