"""One WebSocket carries one racer: a message, answered by the next message that comes.

Owns the opening handshake and the framing of messages (RFC 6455), with wsproto. The handshake goes
ahead, and the server's 101 is the signal that the racer is in place; then the message goes ahead
without the last byte of its frame: a message is whole, and handed on, with its last frame (section
5.4). Messages that come before the release, a welcome say, are not the answer and are dropped.
The next racer for the same target, by the same principal, goes over the same connection.
"""

from collections.abc import Sequence

from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
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

from deadheat.model import Request, Response, TargetError, Version
from deadheat.wire.carrier import Answered, Begun, Event, Lost, Parked, Prepared
from deadheat.wire.plan import ReleasePlan

_OPEN = 101


class CarrierW:
    """See `Carrier`; its only slot is 0. A request's body is the message; its method says nothing."""

    version = Version.WS
    ready = True

    def __init__(self, authority: str) -> None:
        """`authority` is what the `Host` header says."""
        self._authority = authority
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._opened: Request | None = None  # whose target and headers the connection is for
        self._accepted = False
        self._waiting = False
        self._owing = False
        self._begun = False
        self._broken = False
        self._ahead = b""  # to follow the handshake
        self._owed = bytearray()
        self._later = bytearray()  # pongs: nothing may stand inside a frame (section 5.4)
        self._message = bytearray()
        self._dropping = False  # in the middle of a message that is not the answer
        self.unasked = 0  # whole messages that were no answer
        self._refusal: RejectConnection | None = None

    @property
    def capacity(self) -> int:
        """One racer, until the connection is closed."""
        return 0 if self._waiting or self._owing or self._broken else 1

    def fits(self, request: Request) -> bool:
        """One for the target, with the headers, that it was opened with."""
        return self._opened is None or (self._opened.target, self._opened.headers) == (
            request.target,
            request.headers,
        )

    def greeting(self) -> bytes:
        """The handshake names a target, so it goes ahead of the first racer."""
        return b""

    def prepare(self, requests: Sequence[Request], plan: ReleasePlan) -> Prepared:
        """Frame the one racer; the first time, open the connection for it."""
        if len(requests) != 1:
            raise TargetError(f"a WebSocket carries one racer at a time, not {len(requests)}")
        request = requests[0]
        handshake = b""
        if self._opened is None:
            handshake = self._open(request)
        elif not self.fits(request):
            raise TargetError(f"the WebSocket is open for {self._opened.target}, not for {request.target}")
        self._waiting = self._owing = True
        self._begun = False
        self._message.clear()
        frame = self._frame(request.body) if self._accepted else _framed(request.body)
        at = 0 if plan.cut(len(request.body)) is None else len(frame) - 1
        if handshake:
            self._ahead = frame[:at]
            return Prepared(handshake, (frame[at:],), signal=True)
        return Prepared(frame[:at], (frame[at:],), signal=False)

    def wants(self, slot: int) -> bool:
        """Not when the connection was refused or closed."""
        return self._owing and self._waiting

    def released(self, slot: int) -> None:
        """The message is whole, and what had to wait for its end may follow."""
        self._owing = False
        self._owed += self._later
        self._later.clear()

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the handshake or of messages."""
        events: list[Event] = []
        try:
            self._protocol.receive_data(data or None)
            for event in self._protocol.events():
                self._handle(event, events)
        except ProtocolError as error:
            events += self._lose(f"the answer is not a WebSocket's: {error}")
        if not data:
            events += self._lose("the connection was closed before the answer came")
        return events

    def replies(self) -> bytes:
        """Pongs, the answer to a close, and what follows the handshake."""
        owed = bytes(self._owed)
        self._owed.clear()
        return owed

    def _open(self, request: Request) -> bytes:
        self._opened = request
        extra = [
            (n.encode("latin-1"), v.encode("latin-1")) for n, v in request.headers if n.lower() != "host"
        ]
        host = next((v for n, v in request.headers if n.lower() == "host"), self._authority)
        return self._protocol.send(Opening(host=host, target=request.target, extra_headers=extra))

    def _frame(self, body: bytes) -> bytes:
        return self._protocol.send(_message(body))

    def _handle(self, event: object, events: list[Event]) -> None:
        if isinstance(event, AcceptConnection):
            self._accepted = True
            self._owed += self._ahead
            events.append(Parked())
        elif isinstance(event, TextMessage | BytesMessage):
            self._take(event, events)
        elif isinstance(event, Ping):
            pong = self._protocol.send(event.response())
            (self._later if self._owing else self._owed).extend(pong)
        elif isinstance(event, CloseConnection):
            if not self._owing:
                self._owed += self._protocol.send(event.response())
            events += self._lose(f"the server closed the WebSocket (code {event.code})")
        elif isinstance(event, RejectConnection):
            self._refusal = event
            events.append(Begun(0))
            if not event.has_body:
                self._refused(b"", events)
        elif isinstance(event, RejectData):
            self._message += event.data
            if event.body_finished:
                self._refused(bytes(self._message), events)

    def _take(self, event: TextMessage | BytesMessage, events: list[Event]) -> None:
        if self._owing or not self._waiting or self._dropping:
            self._dropping = not event.message_finished
            self.unasked += event.message_finished
            return
        if not self._begun:
            self._begun = True
            events.append(Begun(0))
        data = event.data
        self._message += data.encode() if isinstance(data, str) else bytes(data)
        if event.message_finished:
            self._waiting = False
            events.append(Answered(0, Response(_OPEN, (), bytes(self._message))))

    def _refused(self, body: bytes, events: list[Event]) -> None:
        """The server answered the handshake with something else than 101."""
        if self._refusal is None:
            return
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._refusal.headers)
        self._waiting, self._broken = False, True
        events.append(Answered(0, Response(self._refusal.status_code, headers, body)))

    def _lose(self, reason: str) -> list[Event]:
        self._broken = True
        if not self._waiting:
            return []
        self._waiting = False
        return [Lost(0, reason, may_have_run=True)]


def _message(body: bytes) -> TextMessage | BytesMessage:
    try:
        return TextMessage(data=body.decode())
    except UnicodeDecodeError:
        return BytesMessage(data=body)


def _framed(body: bytes) -> bytes:
    """Frame a message for a connection that is not open yet; without extensions a frame is a frame."""
    return Connection(ConnectionType.CLIENT).send(_message(body))
