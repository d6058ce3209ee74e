"""One HTTP/3 connection carries many racers: one stream each, one datagram for all.

Owns streams, answers, and which STREAM frames go ahead (RFC 9000, RFC 9114); packets, encryption
and retransmission are aioquic's, an extra. What a racer holds back is at least the end of its
stream, some eight bytes: the release of a hundred and more fits one datagram, and the server
decrypts a datagram as one piece. It is the single-packet attack (J. Kettle, *Smashing the state
machine*, 2023) without TCP between.

The barrier is that everything sent ahead is acknowledged. A PING is no barrier here: packets
overtake one another, and its acknowledgement says that its own packet has arrived (RFC 9000,
section 13.1). Pacing, which spreads packets over time, is put aside for what must go together; the
congestion window is obeyed. A GOAWAY shows in what follows it: rejected streams, and the end.
"""

from collections.abc import Callable, Sequence

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamReset,
)

from deadheat.model import Request, Response, TargetError, Version
from deadheat.wire.carrier import Answered, Begun, Event, Lost, Parked, Prepared
from deadheat.wire.fields import fields
from deadheat.wire.http3 import REJECTED, Chunk, chunks, ended
from deadheat.wire.plan import ReleasePlan

_MOST = 1_000  # streams opened on one connection at once, as for HTTP/2
_OVERHEAD = 3 + 16  # of a packet beside the connection's id: its number, flags, the seal
_MARGIN = 32  # for an acknowledgement that happens to be due


class _Quic(QuicConnection):
    """aioquic's connection, with what a release must know: its private parts are read here alone."""

    def __init__(self, configuration: QuicConfiguration) -> None:
        super().__init__(configuration=configuration)
        self._held: dict[int, bytearray] = {}

    def hold(self, stream: int) -> None:
        """Keep back what is written to a stream that is not open yet."""
        self._held[stream] = bytearray()

    def take(self, stream: int) -> bytes:
        """Give what was kept back."""
        return bytes(self._held.pop(stream))

    def send_stream_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Queue bytes, unless they are to be kept back."""
        if stream_id in self._held:
            self._held[stream_id] += data
        else:
            super().send_stream_data(stream_id, data, end_stream)

    def together(self) -> None:
        """Let everything that is queued go at once, in the order of the streams."""
        self._streams_queue.sort(key=lambda stream: stream.stream_id or 0)
        self._loss._pacer.packet_time = None  # noqa: SLF001 - no public switch

    @property
    def streams(self) -> int:
        """How many the peer has let us open so far, from the beginning."""
        return self._remote_max_streams_bidi

    @property
    def window(self) -> int:
        """Bytes that the connection may send."""
        return self._remote_max_data - self._remote_max_data_used

    @property
    def stream_window(self) -> int:
        """Bytes that a new stream may send."""
        return self._remote_max_stream_data_bidi_remote

    @property
    def payload(self) -> int:
        """Bytes of frames that one packet takes."""
        return self._max_datagram_size - _OVERHEAD - len(self._peer_cid.cid) - _MARGIN

    @property
    def quiet(self) -> bool:
        """Whether all that was written has been sent and acknowledged."""
        return self._loss.bytes_in_flight == 0 and all(
            stream.sender.buffer_is_empty for stream in self._streams.values()
        )

    @property
    def ending(self) -> ConnectionTerminated | None:
        """Why the connection is ending; aioquic's own event comes only once all is over."""
        return self._close_event


class _Stream:
    """A racer's stream: its slot and what has come of its answer."""

    __slots__ = ("body", "headers", "slot", "status")

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = bytearray()


class Carrier3:
    """See `Carrier`. Its bytes are STREAM frames; `packets` makes datagrams of them.

    `clock` gives seconds, for retransmission: QUIC, unlike TCP, has nobody below it to do that.
    """

    version = Version.H3

    def __init__(
        self,
        authority: str,
        configuration: QuicConfiguration,
        address: tuple[str, int],
        clock: Callable[[], float],
    ) -> None:
        """`address` names the peer; datagrams are thought to come from there and go there."""
        self._authority = authority
        self._address = address
        self._clock = clock
        self._quic = _Quic(configuration)
        self._http: H3Connection | None = None
        self._next = 0  # stream
        self._streams: dict[int, _Stream] = {}  # without a whole answer
        self._slots: dict[int, int] = {}  # of the racers at hand
        self._unsent: set[int] = set()
        self._waiting = False  # for what went ahead to be acknowledged
        self._over = ""

    @property
    def ready(self) -> bool:
        """Whether the peer's settings have come: until then no field section can be compressed."""
        return self._http is not None and self._http.received_settings is not None

    @property
    def capacity(self) -> int:
        """The streams that the peer lets us open now, and our own limit."""
        if self._over or self._streams or self._unsent or not self.ready:
            return 0
        return max(0, min(_MOST, self._quic.streams - self._next // 4))

    @property
    def low(self) -> bool:
        """Whether it could not take as many racers again: credit for new streams comes with a delay."""
        return not self._over and not self._streams and self.capacity < len(self._slots)

    @property
    def over(self) -> str:
        """Why it takes no racer any more, empty while it does."""
        return self._over

    @property
    def window(self) -> int:
        """Bytes that may be sent ahead."""
        return min(self._quic.window, self._quic.stream_window * max(self.capacity, 1))

    @property
    def payload(self) -> int:
        """Bytes of STREAM frames that one datagram takes."""
        return self._quic.payload

    def fits(self, request: Request) -> bool:
        """Every request does."""
        return True

    def greeting(self) -> bytes:
        """Begin the handshake; `packets` gives what is to be sent."""
        self._quic.connect(self._address, self._clock())
        return b""

    def prepare(self, requests: Sequence[Request], plan: ReleasePlan) -> Prepared:
        """Frame racers on new streams; instructions for QPACK are sent ahead in any case."""
        if self._http is None or len(requests) > self.capacity:
            raise TargetError(
                f"the HTTP/3 connection takes {self.capacity} racers now, not {len(requests)}"
                + (f": {self._over}" if self._over else "")
            )
        framed = []
        for request in requests:
            framed.append(_split(self._quic, self._http, self._next, request, plan, self._authority))
            self._next += 4
        self._admit([len(ahead.data) + len(tail.data) for ahead, tail in framed])
        self._slots = {tail.stream: slot for slot, (_, tail) in enumerate(framed)}
        self._streams = {stream: _Stream(slot) for stream, slot in self._slots.items()}
        self._unsent = set(range(len(requests)))
        ahead = b"".join(ahead.frame() for ahead, _ in framed if ahead.data)
        return Prepared(ahead, tuple(tail.frame() for _, tail in framed), signal=bool(ahead))

    def wants(self, slot: int) -> bool:
        """Not when the stream was reset, or its end is not asked for any more."""
        return slot in self._unsent

    def released(self, slot: int) -> None:
        """The racer's stream is closed from our side."""
        self._unsent.discard(slot)

    def packets(self, frames: bytes = b"") -> list[bytes]:
        """Give the datagrams to send now: `frames` in as few as possible, and what QUIC owes."""
        if frames and not self._over:
            for chunk in chunks(frames):
                slot = self._slots.get(chunk.stream)
                if slot in self._unsent:
                    self._quic.send_stream_data(chunk.stream, chunk.data, chunk.ends)
                    self._waiting = not chunk.ends
            self._quic.together()
        return [datagram for datagram, _ in self._quic.datagrams_to_send(self._clock())]

    def receive(self, data: bytes) -> list[Event]:
        """Take one datagram from the peer; none means that its port is closed."""
        if not data:
            closed = "the connection was closed before the answer came"
            return self._end(closed if self.ready else "nothing listens on its UDP port")
        self._quic.receive_datagram(data, self._address, self._clock())
        return self._happened()

    def replies(self) -> bytes:
        """What QUIC owes is in `packets`."""
        return b""

    @property
    def due(self) -> float | None:
        """When, on the clock, `tick` is to be called."""
        return self._quic.get_timer()

    def tick(self) -> list[Event]:
        """Time has passed: what was lost is sent again, a silent peer is given up."""
        self._quic.handle_timer(self._clock())
        return self._happened()

    def close(self) -> None:
        """Take leave; `packets` gives what is to be sent."""
        self._over = self._over or "it was closed"
        self._quic.close(error_code=0x100)  # H3_NO_ERROR

    # ---- out

    def _admit(self, sizes: list[int]) -> None:
        """Check that all can be sent: what flow control holds back would not be released together."""
        if sum(sizes) > self._quic.window or max(sizes, default=0) > self._quic.stream_window:
            raise TargetError(
                f"the requests are {sum(sizes):,} bytes and the server's HTTP/3 window is "
                f"{self._quic.window:,} ({self._quic.stream_window:,} for one stream): "
                "race fewer requests, send smaller bodies, or go over HTTP/1.1"
            )

    # ---- in

    def _happened(self) -> list[Event]:
        events: list[Event] = []
        while (event := self._quic.next_event()) is not None:
            self._handle(event, events)
        if self._waiting and self._quic.quiet:
            self._waiting = False
            events.append(Parked())
        ending = self._quic.ending
        if ending is not None and not self._over:
            transport = ending.frame_type is not None
            events += self._end(ended(ending.error_code, ending.reason_phrase, transport=transport))
        return events

    def _handle(self, event: QuicEvent, events: list[Event]) -> None:
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic)
        elif isinstance(event, StopSendingReceived):
            self._unsent.discard(self._slots.get(event.stream_id, -1))
        elif isinstance(event, StreamReset):
            self._reset(event, events)
        if self._http is not None:
            for answer in self._http.handle_event(event):
                self._take(answer, events)

    def _take(self, event: H3Event, events: list[Event]) -> None:
        if not isinstance(event, HeadersReceived | DataReceived) or event.push_id is not None:
            return
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        if isinstance(event, DataReceived):
            stream.body += event.data
        elif not stream.status:
            named = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers)
            status = int(next(value for name, value in named if name == ":status"))
            if 100 <= status < 200:
                return
            stream.status = status
            stream.headers = tuple(field for field in named if not field[0].startswith(":"))
            events.append(Begun(stream.slot))
        if event.stream_ended:
            del self._streams[event.stream_id]
            response = Response(stream.status, stream.headers, bytes(stream.body))
            events.append(Answered(stream.slot, response))

    def _reset(self, event: StreamReset, events: list[Event]) -> None:
        stream = self._streams.pop(event.stream_id, None)
        if stream is None:
            return
        self._unsent.discard(stream.slot)
        reason = f"the server reset the stream (HTTP/3 code {event.error_code:#x})"
        events.append(Lost(stream.slot, reason, event.error_code != REJECTED))

    def _end(self, reason: str) -> list[Event]:
        self._over = self._over or reason
        lost: list[Event] = [
            Lost(stream.slot, self._over, may_have_run=True) for stream in self._streams.values()
        ]
        self._streams.clear()
        self._unsent.clear()
        return lost


def _split(
    quic: _Quic, http: H3Connection, stream: int, request: Request, plan: ReleasePlan, authority: str
) -> tuple[Chunk, Chunk]:
    """Frame one request and cut it in two: what goes ahead, perhaps nothing, and what is held."""
    quic.hold(stream)
    section = [(n.encode(), v.encode()) for n, v in fields(request, authority, "https")]
    http.send_headers(stream, section, end_stream=not request.body)
    if request.body:
        http.send_data(stream, request.body, end_stream=True)
    whole = quic.take(stream)
    part = plan.cut(len(request.body))
    at = 0 if part is None else len(whole) - max(len(request.body) - part, 0)
    return Chunk(stream, 0, whole[:at], ends=False), Chunk(stream, at, whole[at:], ends=True)


def size(requests: Sequence[Request], plan: ReleasePlan, authority: str) -> int:
    """Give the bytes that `plan` releases at once, with nothing known to QPACK yet: at most these."""
    quic = _Quic(QuicConfiguration(is_client=True))
    http = H3Connection(quic)
    return sum(
        len(_split(quic, http, 4 * number, request, plan, authority)[1].frame())
        for number, request in enumerate(requests)
    )
