"""Nothing is sent ahead: the whole request is the release."""

from deadheat.wire.plan import Split


def split(data: bytes) -> Split:
    """Hold everything back."""
    return Split(b"", data)
