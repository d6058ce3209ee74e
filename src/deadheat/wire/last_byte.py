"""HTTP/1.1 last-byte sync: everything but the last byte goes ahead.

The server has read and parsed the request by the time of the release, so that what remains to
be sent is one byte a connection; the technique of Turbo Intruder's threaded engine (J. Kettle,
*Smashing the state machine*, 2023, section "HTTP/1.1"). Without a body the byte held is the line
feed of the blank line that ends the header section (RFC 9112, section 2.1).
"""

from deadheat.wire.plan import Split


def split(data: bytes) -> Split:
    """Hold the last byte back."""
    return Split(data[:-1], data[-1:])
