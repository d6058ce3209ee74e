"""A WebSocket as one more connection to the application under exploration.

Owns the thread that speaks it: while the probes hold other requests, somebody has to answer the handshake,
send the message and say goodbye. What is said when is `wire.dialogue`'s.
"""

import socket
import threading

from deadheat.io.http import HOST, Connection, Pool
from deadheat.model import Request, Response, TargetError
from deadheat.wire.dialogue import Dialogue

_SILENCE = 0.15  # seconds: less than the probes wait until a request that does nothing counts as blocked


def connect(pool: Pool, request: Request) -> Connection:
    """Give a connection for `request`: a message's is its own, others are the pool's."""
    return WebSocket(pool.port, pool.timeout) if request.message else pool.take()


class WebSocket(Connection):
    """One WebSocket, opened for one request and its message, and closed behind them."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        """Connect to `port` on loopback; the handshake goes with the request.

        Raises:
            TargetError: the connection was refused.
        """
        super().__init__(port, timeout)
        self._dialogue = Dialogue(f"{HOST}:{port}")
        self._limit = timeout
        self._socket.settimeout(_SILENCE)
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._error: TargetError | None = None

    def send(self, request: Request, *extra: tuple[str, str]) -> None:
        """Open it; the message and the end follow by themselves."""
        self._write(self._dialogue.start(request, *extra))
        self._thread.start()

    def send_again(self, request: Request, name: str, value: str) -> None:
        """As `send`, with one extra header."""
        self.send(request, (name, value))

    def receive(self) -> Response:
        """Await the end; give all that was answered.

        Raises:
            TargetError: the handshake was not answered, or the server does not stop speaking.
        """
        self._thread.join(self._limit)
        if self._error is not None:
            raise self._error
        response = self._dialogue.response
        if response is None or self._thread.is_alive():
            what = "the handshake was not answered" if response is None else "it was still spoken over"
            raise TargetError(f"a WebSocket: {what} within {self._limit:g} s")
        return response

    @property
    def reusable(self) -> bool:
        """Never: what a server keeps with a connection would go over to the next request."""
        return False

    def close(self) -> None:
        """Close it, in the middle of a word if need be."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the server was faster
        if self._thread.ident is not None:
            self._thread.join()
        super().close()

    def _speak(self) -> None:
        dialogue = self._dialogue
        try:
            while not dialogue.over:
                try:
                    owed = dialogue.receive(self._socket.recv(65_536))
                except TimeoutError:
                    owed = dialogue.silent()
                if owed:
                    self._socket.sendall(owed)
        except TargetError as error:
            self._error = error
        except OSError:
            pass  # it broke, or was closed: what came until then is the answer
