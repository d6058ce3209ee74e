"""Plain HTTP/1.1 requests over warm connections to the application under exploration.

Owns connections to a loopback port; framing is h11's. It must not know why a request is sent.
A response is awaited apart from its request: while the probes hold a racer, its connection is
silent for as long as the schedule wants.
"""

import socket
from types import TracebackType
from typing import Self

import h11

from deadheat.model import Request, Response, TargetError

HOST = "127.0.0.1"


class Connection:
    """One keep-alive connection; at most one request is under way on it.

    Raises:
        TargetError: the connection was refused, closed early, or silent past its time-out.
    """

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        """Connect to `port` on loopback; `timeout` in seconds bounds every wait."""
        self._port = port
        self._timeout = timeout
        self._protocol = h11.Connection(our_role=h11.CLIENT)
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

    def send(self, request: Request, *extra: tuple[str, str]) -> None:
        """Send `request` whole, with `extra` headers, without awaiting the answer."""
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        headers = [("host", f"{HOST}:{self._port}"), *request.headers, *extra]
        if request.body or request.method in {"POST", "PUT", "PATCH"}:
            headers.append(("content-length", str(len(request.body))))
        head = h11.Request(method=request.method, target=request.target, headers=headers)
        data = self._protocol.send(head) or b""
        if request.body:
            data += self._protocol.send(h11.Data(data=request.body)) or b""
        data += self._protocol.send(h11.EndOfMessage()) or b""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise TargetError(f"{request} could not be sent: {error}") from error

    def receive(self) -> Response:
        """Await the answer to the request sent last."""
        status, body = 0, bytearray()
        headers: tuple[tuple[str, str], ...] = ()
        while True:
            event = self._next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers
                )
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Response(status, headers, bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise TargetError("the connection was closed before the answer came")

    def ask(self, request: Request) -> Response:
        """Send and await the answer."""
        self.send(request)
        return self.receive()

    @property
    def reusable(self) -> bool:
        """Whether another request may go over this connection."""
        return self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE

    def close(self) -> None:
        """Close; a request still under way may execute all the same."""
        self._socket.close()

    def _next_event(self) -> h11.Event | type[h11.PAUSED | h11.NEED_DATA]:
        while True:
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError as error:
                raise TargetError(f"the answer is not HTTP/1.1: {error}") from error
            if event is not h11.NEED_DATA:
                return event
            try:
                data = self._socket.recv(65536)
            except TimeoutError as error:
                raise TargetError(f"no answer within {self._timeout:g} s") from error
            except OSError as error:
                raise TargetError(f"the connection broke before the answer came: {error}") from error
            self._protocol.receive_data(data)


class Pool:
    """Warm connections to one port, reused in order."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        """Open nothing yet; `timeout` in seconds is that of each wait."""
        self._port = port
        self._timeout = timeout
        self._idle: list[Connection] = []

    def take(self) -> Connection:
        """Give an idle connection, or a new one."""
        return self._idle.pop() if self._idle else Connection(self._port, self._timeout)

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
