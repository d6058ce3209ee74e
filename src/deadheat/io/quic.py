"""One UDP socket and its HTTP/3 connection.

Owns what a lane does otherwise where the kernel does not keep the connection: bytes become
datagrams, and somebody must look at the clock. aioquic is an extra and imported when it is needed.
"""

import importlib.util
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from deadheat.io.allow import Allow
from deadheat.io.lane import WOULD_BLOCK, Lane
from deadheat.model import Origin, TargetError
from deadheat.wire import Event

if TYPE_CHECKING:
    from deadheat.wire.carrier3 import Carrier3

_MISSING = "HTTP/3 takes an extra: pip install 'deadheat[http3]'"


def installed() -> bool:
    """Whether HTTP/3 can be spoken."""
    return importlib.util.find_spec("aioquic") is not None


class QuicLane(Lane):
    """A lane whose bytes are STREAM frames: what it sends are datagrams."""

    def __init__(self, sock: socket.socket, carries: "Carrier3") -> None:
        """Take over a connected UDP socket and begin the handshake."""
        self._quic = carries
        self._began = time.monotonic()
        super().__init__(sock, carries, 0.0)

    @property
    def segment(self) -> int:
        """Bytes of STREAM frames that one datagram takes."""
        return self._quic.payload

    @property
    def streams(self) -> int:
        """How many racers it takes now."""
        return self._quic.capacity

    @property
    def window(self) -> int:
        """Bytes that may be sent ahead."""
        return self._quic.window

    @property
    def low(self) -> bool:
        """Whether credit for as many streams again is still to come."""
        return self._quic.low

    @property
    def due(self) -> float | None:
        """When `tick` is to be called, on the monotonic clock."""
        return self._quic.due if self.open and not self._quic.over else None

    def tick(self) -> list[Event]:
        """Let the connection look at the clock."""
        events = self._quic.tick()
        self.write(b"")
        return events

    def unsent(self) -> int:
        """The kernel keeps no datagrams."""
        return 0

    def loaded(self, data: bytes) -> Callable[[], None]:
        """Encrypt now, send when called."""
        datagrams = self._quic.packets(data)

        def shoot() -> None:
            for datagram in datagrams:
                self._send(datagram)

        return shoot

    def write(self, data: bytes) -> None:
        """Send STREAM frames, and whatever QUIC owes by now."""
        for datagram in self._quic.packets(data):
            self._send(datagram)
        if not self.round_trip and self._quic.ready:
            self.round_trip = time.monotonic() - self._began

    def read(self) -> bytes | None:
        """Give one datagram; nothing at all when the peer's port is closed."""
        try:
            data = self._socket.recv(65_536)
        except WOULD_BLOCK:
            return None
        except OSError:
            self.open = False
            return b""
        return data or None

    def close(self) -> None:
        """Take leave of the peer, which would otherwise wait for its timeout."""
        if self.open and not self._quic.over:
            self._quic.close()
            self.write(b"")
        super().close()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError:
            return  # as good as lost on the way: QUIC sends it again, or `read` learns of the end


def connect3(origin: Origin, allow: Allow) -> QuicLane:
    """Begin an HTTP/3 connection; it is open once its carrier is ready.

    Raises:
        TargetError: aioquic is missing, not permitted, not https, or certificates cannot be read.
    """
    if not installed():
        raise TargetError(_MISSING)
    from aioquic.quic.configuration import QuicConfiguration

    from deadheat.wire.carrier3 import Carrier3

    if not origin.tls:
        raise TargetError(f"{origin}: HTTP/3 is spoken over TLS alone: write https://HOST:PORT")
    address = allow.address(origin.host, origin.port)
    trust = ssl.get_default_verify_paths()
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=["h3"],
        server_name=origin.server_name or origin.host,
        verify_mode=ssl.CERT_NONE if origin.insecure else ssl.CERT_REQUIRED,
        cafile=origin.ca or trust.cafile,
        capath=trust.capath,
    )
    carrier = Carrier3(origin.named, configuration, (address, origin.port), time.monotonic)
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.connect((address, origin.port))
    except OSError as error:
        sock.close()
        raise TargetError(f"{origin} cannot be reached: {error}") from error
    return QuicLane(sock, carrier)
