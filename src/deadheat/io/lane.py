"""One socket and its carrier.

Owns non-blocking reads and writes, and who races on this connection. It must not know rounds.
"""

import fcntl
import socket
import ssl
import struct
import time
from collections.abc import Callable
from functools import partial

from deadheat.io.allow import Allow
from deadheat.io.tls import ALPN_H1, ALPN_H2, handshake
from deadheat.model import Origin, TargetError, Version
from deadheat.wire import Carrier, Event, carrier

_SIOCOUTQNSD = 0x894B  # linux/sockios.h
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a socket that does not block says instead of waiting."""


class Lane:
    """A connection that is open; `round_trip` in seconds is what connecting took."""

    def __init__(self, sock: socket.socket, carries: Carrier, round_trip: float) -> None:
        """Take over a connected socket."""
        sock.setblocking(False)
        self._socket = sock
        self._outbox = bytearray()
        self._deaf = False  # the peer takes no more bytes, but may have sent some
        self.carrier = carries
        self.round_trip = round_trip
        self.open = True
        self.watched = False  # whether a selector waits for room to write
        self.write(carries.greeting())

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    @property
    def pending(self) -> bool:
        """Whether bytes wait for the kernel to take them."""
        return bool(self._outbox) and not self._deaf

    @property
    def segment(self) -> int:
        """Payload bytes of one TCP segment."""
        return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    def unsent(self) -> int:
        """Bytes that the kernel has not put on the network yet; 0 where the system does not tell.

        Not those that are unacknowledged: a peer that has nothing to say may keep its
        acknowledgement for 40 ms and more (RFC 9293, section 3.8.6.3).
        """
        try:
            answer = fcntl.ioctl(self._socket, _SIOCOUTQNSD, b"\0\0\0\0")
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])

    @property
    def due(self) -> float | None:
        """When `tick` is to be called, in seconds of the monotonic clock; TCP keeps its own time."""
        return None

    @property
    def low(self) -> bool:
        """Whether the peer is about to let it take as many racers again, but has not yet."""
        return False

    def tick(self) -> list[Event]:
        """Take note that time has passed."""
        return []

    def loaded(self, data: bytes) -> Callable[[], None]:
        """Make ready what can be made ready before the moment of release; calling it is the release."""
        return partial(self.shoot, data)

    def shoot(self, data: bytes) -> None:
        """`write` for the moment of release, with nothing before the system call."""
        if self._outbox or self._deaf or not data:
            self.write(data)
            return
        try:
            sent = self._socket.send(data)
        except WOULD_BLOCK:
            sent = 0
        except OSError:
            self._deaf = True
            return
        if sent < len(data):
            self._outbox += data[sent:]

    def write(self, data: bytes) -> None:
        """Send now what the kernel takes, the rest at the next `flush`."""
        if not data or self._deaf:
            return
        self._outbox += data
        self.flush()

    def flush(self) -> None:
        """Send what is left."""
        while self._outbox and not self._deaf:
            try:
                sent = self._socket.send(self._outbox)
            except WOULD_BLOCK:
                return
            except OSError:
                self._deaf = True
                return
            del self._outbox[:sent]

    def read(self) -> bytes | None:
        """Give what has come; None when nothing has, nothing at all (`b""`) when it closed."""
        try:
            data = self._socket.recv(65_536)
        except WOULD_BLOCK:
            return None
        except OSError:
            data = b""
        if not data:
            self.open = False
        return data

    def close(self) -> None:
        """Close the socket."""
        self.open = False
        self._socket.close()


def connect(origin: Origin, version: Version, allow: Allow, timeout: float) -> Lane:
    """Open a connection that speaks `version`; `timeout` in seconds bounds connecting and the handshake.

    Raises:
        TargetError: not permitted, refused, no TLS, or no HTTP/2 over it.
    """
    address = allow.address(origin.host, origin.port)
    started = time.monotonic()
    try:
        raw = socket.create_connection((address, origin.port), timeout)
    except OSError as error:
        raise TargetError(f"{origin} cannot be reached: {error}") from error
    round_trip = time.monotonic() - started
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not origin.tls:
        return Lane(raw, carrier(version, origin), round_trip)
    wanted = ALPN_H2 if version is Version.H2 else ALPN_H1
    try:
        secure, agreed = handshake(raw, origin, (wanted,))
    except TargetError:
        raw.close()
        raise
    if agreed != wanted:
        secure.close()
        raise TargetError(f"{origin} does not offer {wanted} in the TLS handshake (ALPN); it takes {agreed}")
    return Lane(secure, carrier(version, origin), round_trip)
