"""One HTTP/1.1 connection as a client, without a socket; the framing is h11's.

Owns the order of requests and responses on one keep-alive connection (RFC 9112, section 9.3).
Bytes in, bytes and responses out.
"""

from dataclasses import dataclass, field

import h11

from deadheat.model import Request, Response, TargetError

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass
class Exchange:
    """Frames requests and gathers responses, one exchange after the other."""

    host: str
    _protocol: h11.Connection = field(default_factory=lambda: h11.Connection(our_role=h11.CLIENT))
    _status: int = 0
    _headers: tuple[tuple[str, str], ...] = ()
    _body: bytearray = field(default_factory=bytearray)
    continued: bool = False
    """Whether the server asked for the body of the request under way: 100 (Continue)."""
    begun: bool = False
    """Whether the final answer to the request under way has begun."""

    def frame(self, request: Request, *extra: tuple[str, str]) -> bytes:
        """Give the bytes of `request`, with `extra` headers; the exchange before must be over.

        Raises:
            TargetError: the request is not valid HTTP/1.1, or the connection cannot take another.
        """
        if self.reusable and self._protocol.our_state is h11.DONE:
            self._protocol.start_next_cycle()
        self.continued = self.begun = False
        headers = [*request.headers, *extra]
        if not any(name.lower() == "host" for name, _ in headers):
            headers.insert(0, ("host", self.host))
        if request.body or request.method in _WITH_BODY:
            headers.append(("content-length", str(len(request.body))))
        try:
            head = h11.Request(method=request.method, target=request.target, headers=headers)
            data = self._protocol.send(head) or b""
            if request.body:
                data += self._protocol.send(h11.Data(data=request.body)) or b""
            return data + (self._protocol.send(h11.EndOfMessage()) or b"")
        except h11.LocalProtocolError as error:
            raise TargetError(f"{request} cannot be sent over HTTP/1.1: {error}") from error

    def receive(self, data: bytes) -> Response | None:
        """Take bytes from the server (none: it closed); give the response once it is whole.

        Raises:
            TargetError: it is not HTTP/1.1, or it ended before the response was whole.
        """
        try:
            self._protocol.receive_data(data)
            return self._gather()
        except h11.RemoteProtocolError as error:
            raise TargetError(f"the answer is not whole HTTP/1.1: {error}") from error

    @property
    def reusable(self) -> bool:
        """Whether another request may go over this connection."""
        return self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE

    @property
    def usable(self) -> bool:
        """Whether a request may go over this connection: it is new, or reusable."""
        return self.reusable or self._protocol.our_state is h11.IDLE

    @property
    def surplus(self) -> bool:
        """Whether bytes came behind the last answer."""
        return bool(self._protocol.trailing_data[0])

    @property
    def awaiting_more(self) -> bool:
        """Whether the request framed last is whole, and leaves the connection open after its answer."""
        return self._protocol.our_state is h11.DONE

    def _gather(self) -> Response | None:
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return None
            if isinstance(event, h11.InformationalResponse):
                self.continued = self.continued or event.status_code == 100
            elif isinstance(event, h11.Response):
                self.begun = True
                self._status = event.status_code
                self._headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers)
                self._body = bytearray()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Response(self._status, self._headers, bytes(self._body))
            elif isinstance(event, h11.ConnectionClosed):
                raise TargetError("the connection was closed before the answer came")
