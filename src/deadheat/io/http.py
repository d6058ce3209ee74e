"""Plain HTTP/1.1 requests over warm connections to the application under exploration.

Owns connections to a loopback port; framing is `wire.http1`'s, and what it framed and parsed before is
taken from `wire.repeats`. It must not know why a request is sent. A response is awaited apart from its
request: while the probes hold a racer, its connection is silent for as long as the schedule wants.
"""

import socket
from types import TracebackType
from typing import Self

from deadheat.model import Request, Response, TargetError
from deadheat.wire import PLANS, Practised, Repeats

HOST = "127.0.0.1"


class Connection:
    """One keep-alive connection; at most one request is under way on it.

    Raises:
        TargetError: the connection was refused, closed early, or silent past its time-out.
    """

    def __init__(self, port: int, timeout: float = 10.0, repeats: Repeats | None = None) -> None:
        """Connect to `port` on loopback; `timeout` in seconds bounds every wait.

        `repeats` is what connections to one port share: what was sent and answered before.
        """
        self._timeout = timeout
        self._exchange = Practised.of(repeats if repeats is not None else Repeats(f"{HOST}:{port}"))
        self._tail = b""
        try:
            self._socket = socket.create_connection((HOST, port), timeout)
        except OSError as error:
            raise TargetError(f"{HOST}:{port} cannot be reached: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        """Use it as a context: it is closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def prepare(self, request: Request, *extra: tuple[str, str], plan: str = "whole") -> None:
        """Send what the release plan sends ahead of `request`; `release` sends the rest."""
        release = PLANS[plan]
        framed = self._exchange.frame(request, *extra, *release.headers(request))
        ahead, self._tail = release.split(framed)
        if ahead:
            self._write(ahead)

    def release(self) -> None:
        """Send what was held back, without awaiting the answer."""
        self._write(self._tail)

    def send(self, request: Request, *extra: tuple[str, str]) -> None:
        """Send `request` whole, with `extra` headers, without awaiting the answer."""
        exchange = self._exchange
        self._write(exchange.frame(request, *extra) if extra else exchange.frame_known(request))

    def send_again(self, request: Request, name: str, value: str) -> None:
        """Send as `send` does, with one extra header that alone changes; its `value` is of [0-9.]."""
        self._write(self._exchange.frame_again(request, name, value))

    def receive(self) -> Response:
        """Await the answer to the request sent last."""
        while True:
            response = self.advance()
            if response is not None:
                return response

    def advance(self) -> Response | None:
        """Await the next bytes of the answer; give the answer once it is whole."""
        try:
            data = self._socket.recv(65536)
        except TimeoutError as error:
            raise TargetError(f"no answer within {self._timeout:g} s") from error
        except OSError as error:
            raise TargetError(f"the connection broke before the answer came: {error}") from error
        return self._exchange.receive(data)

    def fileno(self) -> int:
        """Give what a selector watches, for whoever awaits several answers at once."""
        return self._socket.fileno()

    def ask(self, request: Request) -> Response:
        """Send and await the answer."""
        self.send(request)
        return self.receive()

    @property
    def reusable(self) -> bool:
        """Whether another request may go over this connection."""
        return self._exchange.usable

    def close(self) -> None:
        """Close; a request still under way may execute all the same."""
        self._socket.close()

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise TargetError(f"the request could not be sent: {error}") from error


class Pool:
    """Warm connections to one port, reused in order."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        """Open nothing yet; `timeout` in seconds is that of each wait."""
        self.port = port
        self.timeout = timeout
        self._repeats = Repeats(f"{HOST}:{port}")
        self._idle: list[Connection] = []

    def take(self) -> Connection:
        """Give an idle connection, or a new one."""
        return self._idle.pop() if self._idle else Connection(self.port, self.timeout, self._repeats)

    def give(self, connection: Connection) -> None:
        """Return a connection; one that cannot be reused is closed."""
        if connection.reusable:
            self._idle.append(connection)
        else:
            connection.close()

    def ask(self, request: Request) -> Response:
        """Send one request over any connection and await the answer."""
        connection = self.take()
        try:
            return connection.ask(request)
        finally:
            self.give(connection)

    def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().close()
