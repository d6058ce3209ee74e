"""One WebSocket from its handshake to its end: messages sent, answers gathered.

Owns the order of a conversation (RFC 6455) without a socket: the handshake, then each message once the
one before was answered, then the closing handshake. Closing says that nothing more will come, so that a
handler which reads until the end gets there. Whoever is silent is not waited for for ever: `silent`
takes the next step all the same. Framing is wsproto's.
"""

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    TextMessage,
)
from wsproto.events import Request as Opening
from wsproto.utilities import ProtocolError

from deadheat.model import Request, Response, TargetError

_OPEN = 101


class Dialogue:
    """See the module. All answers, welcome included, make one response: a line each, with status 101."""

    def __init__(self, host: str) -> None:
        """`host` is what the `Host` header says, where the request does not."""
        self._host = host
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._messages: list[bytes] = []
        self._answers: list[bytes] = []
        self._piece = bytearray()
        self._open = self._closing = self._ended = False
        self._refusal: RejectConnection | None = None

    def start(self, request: Request, *extra: tuple[str, str]) -> bytes:
        """Give the opening handshake of `request`, with `extra` headers; its body is the message."""
        self._messages = [request.body] if request.body else []
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in (*request.headers, *extra)
            if name.lower() != "host"
        ]
        host = next((value for name, value in request.headers if name.lower() == "host"), self._host)
        return self._protocol.send(Opening(host=host, target=request.target, extra_headers=headers))

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the server (none: it closed); give those to send.

        Raises:
            TargetError: it is no WebSocket's answer.
        """
        owed = b""
        if not data:
            self._ended = True
            return owed
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                owed += self._handle(event)
        except ProtocolError as error:
            raise TargetError(f"the answer is not a WebSocket's: {error}") from error
        return owed

    def silent(self) -> bytes:
        """Nothing came for a while: give the next message, or close; over where that was done."""
        if self._closing or not self._open:
            self._ended = self._ended or self._closing
            return b""
        return self._next()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def response(self) -> Response | None:
        """What came, None when the handshake was not answered."""
        if self._refusal is not None:
            headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._refusal.headers)
            return Response(self._refusal.status_code, headers, bytes(self._piece))
        return Response(_OPEN, (), b"\n".join(self._answers)) if self._open else None

    def _handle(self, event: object) -> bytes:
        match event:
            case AcceptConnection():
                self._open = True
                return self._next() if self._messages else b""
            case TextMessage() | BytesMessage():
                data = event.data
                self._piece += data.encode() if isinstance(data, str) else bytes(data)
                if not event.message_finished:
                    return b""
                self._answers.append(bytes(self._piece))
                self._piece.clear()
                return b"" if self._closing else self._next()
            case Ping():
                return self._protocol.send(event.response())
            case CloseConnection():
                self._ended = True
                return b"" if self._closing else self._protocol.send(event.response())
            case RejectConnection():
                self._refusal = event
                self._ended = not event.has_body
            case RejectData():
                self._piece += event.data
                self._ended = event.body_finished
        return b""

    def _next(self) -> bytes:
        if self._messages:
            body = self._messages.pop(0)
            try:
                return self._protocol.send(TextMessage(data=body.decode()))
            except UnicodeDecodeError:
                return self._protocol.send(BytesMessage(data=body))
        self._closing = True
        return self._protocol.send(CloseConnection(code=1000))
