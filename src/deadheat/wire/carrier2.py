"""One HTTP/2 connection carries many racers: one stream each, one write for all.

Owns streams, answers and what is owed to the peer (RFC 9113); frames are hyperframe's, header
compression is hpack's. A full client library (h2) ends the connection's life at the first GOAWAY
and forgets the answers that are still to come; whether those requests ran is what we must know.

The barrier is a PING (section 6.7): frames of one connection are handled in order, so its
acknowledgement says that everything ahead of it has been read. Header fields are all indexed,
secrets too: never-indexed literals protect against others on the same connection, and here are
none, while every byte saved keeps the release in one segment.
"""

from collections.abc import Sequence
from itertools import count

from hpack import Decoder, Encoder, HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from deadheat.model import Request, Response, TargetError, Version
from deadheat.wire.carrier import Answered, Begun, Event, Lost, Parked, Prepared
from deadheat.wire.fields import fields
from deadheat.wire.http2_limits import Limits
from deadheat.wire.plan import ReleasePlan

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_WINDOW = 2**31 - 1
_REFILL = 2**30
# Streams opened on one connection at once: servers budget small frames (h2 0.4.20 ends the
# connection after some 2,000 unread one-byte DATA frames).
_MOST = 1_000
_LAST_STREAM = 2**31 - 1
_ERRORS = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip
_REFUSED_STREAM = 7


class _Stream:
    """A racer's stream: its slot and what has come of its answer."""

    __slots__ = ("body", "headers", "slot", "status")

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = bytearray()


class Carrier2:
    """See `Carrier`."""

    version = Version.H2

    def __init__(self, authority: str, scheme: str) -> None:
        """`authority` and `scheme` are what the pseudo-header fields say."""
        self._authority = authority
        self._scheme = scheme
        self.limits = Limits()
        self.ready = False
        self._encoder = Encoder()
        self._decoder = Decoder(max_header_list_size=2**20)
        self._input = bytearray()
        self._owed = bytearray()
        self._ids = count(1, 2)
        self._tokens = count(1)
        self._token = b""
        self._streams: dict[int, _Stream] = {}  # without a whole answer
        self._order: list[int] = []  # slot → stream id
        self._unsent: set[int] = set()
        self._block: tuple[int, bool, bytearray] | None = None
        self._consumed = 0
        self._over = ""  # why no racer can be taken any more

    @property
    def capacity(self) -> int:
        """The peer's limit of concurrent streams, and ours."""
        if self._over or self._streams or self._unsent:
            return 0
        return min(_MOST, _MOST if self.limits.streams is None else self.limits.streams)

    @property
    def over(self) -> str:
        """Why it takes no racer any more, empty while it does."""
        return self._over

    def fits(self, request: Request) -> bool:
        """Every request does."""
        return True

    def greeting(self) -> bytes:
        """Preface, our settings, and a connection window that no answer exhausts."""
        settings = SettingsFrame(
            0, settings={SettingsFrame.ENABLE_PUSH: 0, SettingsFrame.INITIAL_WINDOW_SIZE: _WINDOW}
        )
        widen = WindowUpdateFrame(0, window_increment=_WINDOW - 65_535)
        return _PREFACE + settings.serialize() + widen.serialize()

    def ping(self) -> bytes:
        """Give a PING whose acknowledgement comes back as `Parked`."""
        self._token = next(self._tokens).to_bytes(8, "big")
        return PingFrame(0, opaque_data=self._token).serialize()

    def prepare(self, requests: Sequence[Request], plan: ReleasePlan) -> Prepared:
        """Frame racers on new streams; tails are whole frames, so that they can be sent as one."""
        if len(requests) > self.capacity:
            raise TargetError(
                f"the HTTP/2 connection takes {self.capacity} racers now, not {len(requests)}"
                + (f": {self._over}" if self._over else "")
            )
        self.limits.admit([len(request.body) for request in requests])
        self._order = []
        ahead = bytearray()
        tails = []
        for slot, request in enumerate(requests):
            stream = next(self._ids)
            self._order.append(stream)
            self._streams[stream] = _Stream(slot)
            self.limits.open(stream)
            part = plan.cut(len(request.body))
            if part is None:
                tails.append(self._headers(stream, request) + self._body(stream, request.body))
            else:
                part = min(part, len(request.body))
                ahead += self._headers(stream, request, ends=False)
                if part:
                    ahead += self._data(stream, request.body[:part], ends=False)
                tails.append(self._data(stream, request.body[part:], ends=True))
            self.limits.spend(stream, len(request.body))
        self._unsent = set(range(len(requests)))
        if self._order and self._order[-1] > _LAST_STREAM - 4 * _MOST:
            self._over = "all stream numbers are used"
        if ahead:
            ahead += self.ping()
        return Prepared(bytes(ahead), tuple(tails), signal=bool(ahead))

    def wants(self, slot: int) -> bool:
        """Not when the stream was reset: a frame more would be an error of the connection."""
        return slot in self._unsent

    def released(self, slot: int) -> None:
        """The racer's stream is closed from our side."""
        self._unsent.discard(slot)

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes in any pieces; what is no HTTP/2 ends the connection."""
        if not data:
            return self._end("the connection was closed before the answer came")
        self._input += data
        events: list[Event] = []
        try:
            while (frame := self._frame()) is not None:
                self._handle(frame, events)
        except (HPACKError, HyperframeError, TargetError) as error:
            events += self._end(f"the answer is not HTTP/2: {error}")
        return events

    def replies(self) -> bytes:
        """Acknowledgements and window updates."""
        owed = bytes(self._owed)
        self._owed.clear()
        return owed

    # ---- out

    def _headers(self, stream: int, request: Request, *, ends: bool | None = None) -> bytes:
        block = self._encoder.encode(fields(request, self._authority, self._scheme))
        size = self.limits.frame
        pieces = [block[at : at + size] for at in range(0, len(block), size)]
        flags = ["END_STREAM"] if (not request.body if ends is None else ends) else []
        if len(pieces) == 1:
            return HeadersFrame(stream, pieces[0], flags=[*flags, "END_HEADERS"]).serialize()
        frames: list[Frame] = [HeadersFrame(stream, pieces[0], flags=flags)]
        frames += [ContinuationFrame(stream, piece) for piece in pieces[1:-1]]
        frames.append(ContinuationFrame(stream, pieces[-1], flags=["END_HEADERS"]))
        return b"".join(frame.serialize() for frame in frames)

    def _body(self, stream: int, body: bytes) -> bytes:
        return self._data(stream, body, ends=True) if body else b""

    def _data(self, stream: int, body: bytes, *, ends: bool) -> bytes:
        size = self.limits.frame
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        frames = [DataFrame(stream, piece) for piece in pieces]
        if ends:
            frames[-1].flags.add("END_STREAM")
        return b"".join(frame.serialize() for frame in frames)

    # ---- in

    def _frame(self) -> Frame | None:
        if len(self._input) < 9:
            return None
        frame, length = Frame.parse_frame_header(memoryview(bytes(self._input[:9])))
        if length > 16_384:
            raise TargetError(f"a frame of {length:,} bytes, larger than the 16,384 we admit")
        if len(self._input) < 9 + length:
            return None
        frame.parse_body(memoryview(bytes(self._input[9 : 9 + length])))
        del self._input[: 9 + length]
        return frame

    def _handle(self, frame: Frame, events: list[Event]) -> None:
        if self._block is not None and not isinstance(frame, ContinuationFrame):
            raise TargetError("a header block was interrupted")
        if isinstance(frame, HeadersFrame):
            self._block = (frame.stream_id, "END_STREAM" in frame.flags, bytearray(frame.data))
            self._header_block(frame, events)
        elif isinstance(frame, ContinuationFrame):
            if self._block is None:
                raise TargetError("a continuation of no header block")
            self._block[2].extend(frame.data)
            self._header_block(frame, events)
        elif isinstance(frame, DataFrame):
            self._take_data(frame, events)
        elif isinstance(frame, RstStreamFrame):
            self._reset(frame, events)
        elif isinstance(frame, GoAwayFrame):
            self._go_away(frame, events)
        elif isinstance(frame, SettingsFrame):
            self._settle(frame)
        elif isinstance(frame, PingFrame):
            self._pong(frame, events)
        elif isinstance(frame, WindowUpdateFrame):
            self.limits.widen(frame.stream_id, frame.window_increment)
        elif isinstance(frame, PushPromiseFrame):
            raise TargetError("a push, which we had declined")

    def _settle(self, frame: SettingsFrame) -> None:
        if "ACK" in frame.flags:
            return
        self.limits.settle(frame.settings)
        if SettingsFrame.HEADER_TABLE_SIZE in frame.settings:
            # More than the default is the peer's offer, not its demand.
            self._encoder.header_table_size = min(4_096, frame.settings[SettingsFrame.HEADER_TABLE_SIZE])
        self.ready = True
        self._owed += SettingsFrame(0, flags=["ACK"]).serialize()

    def _pong(self, frame: PingFrame, events: list[Event]) -> None:
        if "ACK" not in frame.flags:
            self._owed += PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]).serialize()
        elif frame.opaque_data == self._token:
            events.append(Parked())

    def _header_block(self, frame: HeadersFrame | ContinuationFrame, events: list[Event]) -> None:
        if "END_HEADERS" not in frame.flags or self._block is None:
            return
        stream_id, ends, block = self._block
        self._block = None
        named = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._decoder.decode(bytes(block), raw=True)
        )
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if not stream.status:
            status = int(next((value for name, value in named if name == ":status"), "0"))
            if 100 <= status < 200:
                return
            if not status:
                raise TargetError("an answer without a status")
            stream.status = status
            stream.headers = tuple(field for field in named if not field[0].startswith(":"))
            events.append(Begun(stream.slot))
        if ends:
            self._answer(stream_id, stream, events)

    def _take_data(self, frame: DataFrame, events: list[Event]) -> None:
        self._consumed += frame.flow_controlled_length
        if self._consumed > _REFILL:
            self._owed += WindowUpdateFrame(0, window_increment=self._consumed).serialize()
            self._consumed = 0
        stream = self._streams.get(frame.stream_id)
        if stream is None:
            return
        stream.body += frame.data
        if "END_STREAM" in frame.flags:
            self._answer(frame.stream_id, stream, events)

    def _answer(self, stream_id: int, stream: _Stream, events: list[Event]) -> None:
        del self._streams[stream_id]
        self.limits.close(stream_id)
        events.append(Answered(stream.slot, Response(stream.status, stream.headers, bytes(stream.body))))

    def _reset(self, frame: RstStreamFrame, events: list[Event]) -> None:
        if frame.stream_id in self._order:
            self._unsent.discard(self._order.index(frame.stream_id))
        stream = self._streams.pop(frame.stream_id, None)
        if stream is not None:
            self.limits.close(frame.stream_id)
            reason = f"the server reset the stream ({_error(frame.error_code)})"
            events.append(Lost(stream.slot, reason, frame.error_code != _REFUSED_STREAM))

    def _go_away(self, frame: GoAwayFrame, events: list[Event]) -> None:
        """Requests beyond the last stream were not looked at (section 6.8); the others go on."""
        self._over = f"the server sent GOAWAY ({_error(frame.error_code)})"
        for stream_id in [s for s in self._streams if s > frame.last_stream_id]:
            stream = self._streams.pop(stream_id)
            self._unsent.discard(stream.slot)
            events.append(Lost(stream.slot, f"{self._over} before it looked at the request", False))

    def _end(self, reason: str) -> list[Event]:
        self._over = f"{self._over}; {reason}" if self._over else reason
        lost: list[Event] = [
            Lost(stream.slot, self._over, may_have_run=True) for stream in self._streams.values()
        ]
        self._streams.clear()
        self._unsent.clear()
        return lost


def size(requests: Sequence[Request], plan: ReleasePlan, authority: str, scheme: str) -> int:
    """Give the bytes that `plan` releases at once for these requests, over a new connection."""
    total = 0
    for at in range(0, len(requests), _MOST):
        carrier = Carrier2(authority, scheme)
        carrier.limits.settle({SettingsFrame.INITIAL_WINDOW_SIZE: _WINDOW})
        carrier.limits.widen(0, _WINDOW)
        total += sum(map(len, carrier.prepare(requests[at : at + _MOST], plan).tails))
    return total


def _error(code: int) -> str:
    return _ERRORS[code] if code < len(_ERRORS) else f"error {code}"
