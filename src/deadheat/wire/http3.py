"""QUIC STREAM frames as bytes, and what the codes of HTTP/3 mean.

Owns the form in which a racer's bytes wait for their packet (RFC 9000, section 19.8): a stream, an
offset, data, perhaps the end. It needs no library, and knows neither packets nor requests.
"""

from collections.abc import Iterator
from typing import NamedTuple

_STREAM, _OFFSET, _LENGTH, _FIN = 0x08, 0x04, 0x02, 0x01
_ALERTS = {  # RFC 8446, section 6
    40: "no common ground in the TLS handshake",
    120: "it does not offer h3 in the TLS handshake (ALPN)",
}
_UNTRUSTED = frozenset({42, 43, 44, 45, 46, 48})
_CRYPTO = 0x100  # a transport error of 0x100 and an alert (RFC 9000, section 20.1)
REJECTED = 0x10B
"""H3_REQUEST_REJECTED: the server did not look at the request (RFC 9114, section 4.1.1)."""


class Chunk(NamedTuple):
    """What one STREAM frame carries."""

    stream: int
    offset: int
    data: bytes
    ends: bool

    def frame(self) -> bytes:
        """Give the frame, its length in two bytes as aioquic writes it."""
        kind = _STREAM | _LENGTH | (_OFFSET if self.offset else 0) | (_FIN if self.ends else 0)
        offset = _number(self.offset) if self.offset else b""
        return bytes([kind]) + _number(self.stream) + offset + _number(len(self.data), 2) + self.data


def chunks(frames: bytes) -> Iterator[Chunk]:
    """Take frames made by `Chunk.frame` apart again."""
    at = 0
    while at < len(frames):
        kind = frames[at]
        stream, at = _read(frames, at + 1)
        offset, at = _read(frames, at) if kind & _OFFSET else (0, at)
        size, at = _read(frames, at)
        yield Chunk(stream, offset, frames[at : at + size], bool(kind & _FIN))
        at += size


def ended(code: int, reason: str, *, transport: bool) -> str:
    """Say in words why a connection ended, given the code and the words it was closed with."""
    said = f": {reason}" if reason else ""
    if transport and _CRYPTO <= code < _CRYPTO + 256:
        alert = code - _CRYPTO
        if alert in _UNTRUSTED:
            return (
                f"the certificate is not trusted ({reason or f'alert {alert}'}): name the "
                "certificates to trust, or say that any will do"
            )
        return _ALERTS.get(alert, f"TLS failed (alert {alert}{said})")
    if transport and reason == "Idle timeout":
        return "the server fell silent"
    kind = "QUIC" if transport else "HTTP/3"
    return f"the connection was closed ({kind} code {code:#x}{said})"


def _number(value: int, least: int = 1) -> bytes:
    """A variable-length integer (RFC 9000, section 16) of at least `least` bytes."""
    for power, size in enumerate((1, 2, 4, 8)):
        if size >= least and value < 1 << (8 * size - 2):
            return (value | power << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(f"{value} is no QUIC integer")


def _read(data: bytes, at: int) -> tuple[int, int]:
    size = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at : at + size], "big")
    return value & ((1 << (8 * size - 2)) - 1), at + size
