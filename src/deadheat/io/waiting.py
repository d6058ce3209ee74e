"""Sockets awaited together: a proxy's own for good, somebody else's for as long as they are named.

Owns the selector, and how a proxy reads and writes. It must not know what. Who else is awaited hardly
changes from one wait to the next, so that nobody is registered again each time.
"""

import selectors
import socket
import ssl
from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar


class Watched(Protocol):
    """A socket of somebody else's that is awaited together with ours."""

    def fileno(self) -> int:
        """Give its number."""


K = TypeVar("K")
_PIECE = 65536
_TIMEOUT = 10.0  # seconds a peer may take to read what it is sent


def ready(half: socket.socket) -> None:
    """Make a socket one of a proxy's: it waits for nothing, and sends small messages at once."""
    half.setblocking(False)
    half.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def send(half: socket.socket, data: bytes) -> None:
    """Send all of it.

    A socket with a time-out is polled before each call; here it is only once a peer does not read.

    Raises:
        OSError: the peer is gone, or has not read for ten seconds.
    """
    try:
        sent = half.send(data)
    except (BlockingIOError, ssl.SSLWantWriteError):
        sent = 0
    if sent < len(data):
        half.settimeout(_TIMEOUT)
        try:
            half.sendall(data[sent:])
        finally:
            half.setblocking(False)


def received(half: socket.socket) -> bytes | None:
    """Give what is there; nothing when it is closed, in whatever way, and None when nothing is there yet."""
    try:
        data = half.recv(_PIECE)
        while isinstance(half, ssl.SSLSocket) and half.pending():
            data += half.recv(_PIECE)  # what TLS has read already, no selector tells of
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    except (ConnectionError, ssl.SSLEOFError):
        return b""
    return data


class _Own(NamedTuple, Generic[K]):
    whose: K


class Waiting(Generic[K]):
    """What is awaited: each socket of ours with whose it is."""

    def __init__(self) -> None:
        """Await nothing yet."""
        self._selector = selectors.DefaultSelector()
        self._others: dict[int, Watched] = {}
        self._named: Sequence[Watched] = ()

    def add(self, half: socket.socket, whose: K) -> None:
        """Await `half` from now on."""
        self._forget(half.fileno())
        self._selector.register(half, selectors.EVENT_READ, _Own(whose))

    def remove(self, half: socket.socket) -> None:
        """Await it no longer, unless it is closed already."""
        if half.fileno() >= 0:
            self._selector.unregister(half)

    def wait(self, timeout: float, watched: Sequence[Watched]) -> tuple[list[K], list[Watched]]:
        """Wait up to `timeout` seconds; give whose sockets of ours, and who of `watched`, is readable.

        The very same `watched` as last time is taken for the same sockets.
        """
        if watched is not self._named:
            self._watch(watched)
            self._named = watched
        ours: list[K] = []
        others: list[Watched] = []
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Own):
                ours.append(key.data.whose)
            else:
                others.append(key.data)
        return ours, others

    def close(self) -> None:
        """Await nothing any more."""
        self._selector.close()

    def _watch(self, watched: Sequence[Watched]) -> None:
        known = self._others
        wanted = {one.fileno(): one for one in watched}
        for number in [number for number, one in known.items() if wanted.get(number) is not one]:
            self._forget(number)
        for number, one in wanted.items():
            if number not in known:
                self._selector.register(number, selectors.EVENT_READ, one)
                known[number] = one

    def _forget(self, number: int) -> None:
        """Drop somebody else's: it is not named any more, or was closed, and its number is another's now."""
        if self._others.pop(number, None) is not None:
            self._selector.unregister(number)
