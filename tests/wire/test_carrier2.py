"""HTTP/2 as a client, judged by an independent server: the h2 library plays the peer."""

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from hpack import Encoder
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Request, Response, TargetError
from deadheat.wire import PLANS, Answered, Begun, Carrier2, Event, Lost, Parked

GET = Request("GET", "/x", headers=(("Cookie", "a=b"), ("Connection", "close")))
POST = Request("POST", "/x", body=b"0123456789abcdefghij")


class Peer:
    """A real HTTP/2 server without a socket; `heard` are its events."""

    def __init__(self, **settings: int) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.connection = h2.connection.H2Connection(config)
        limits = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: settings.get("streams", 100)}
        self.connection.local_settings = h2.settings.Settings(client=False, initial_values=limits)
        self.connection.initiate_connection()
        self.heard: list[h2.events.Event] = []

    def hear(self, data: bytes) -> bytes:
        self.heard += self.connection.receive_data(data)
        return self.connection.data_to_send()

    def kinds(self) -> list[type]:
        return [type(event) for event in self.heard]

    def answer(self, stream: int, body: bytes = b"ok") -> None:
        self.connection.send_headers(stream, [(":status", "200"), ("x-stream", str(stream))])
        self.connection.send_data(stream, body, end_stream=True)


def met(peer: Peer) -> Carrier2:
    carrier = Carrier2("host:1", "http")
    assert carrier.receive(peer.hear(carrier.greeting())) == []
    assert carrier.ready
    peer.hear(carrier.replies())
    return carrier


def ended(peer: Peer) -> list[int]:
    return [e.stream_id for e in peer.heard if isinstance(e, h2.events.StreamEnded)]


@pytest.mark.parametrize("plan", sorted(PLANS))
@pytest.mark.parametrize("request_", [GET, POST], ids=["bodyless", "body"])
def test_nothing_is_complete_before_the_release_and_everything_after(plan: str, request_: Request) -> None:
    peer = Peer()
    carrier = met(peer)
    ahead, tails, signal = carrier.prepare([request_] * 3, PLANS[plan])
    events = carrier.receive(peer.hear(ahead)) if ahead else []
    assert ended(peer) == []
    assert signal == (Parked() in events) == bool(ahead)
    peer.hear(b"".join(tails))
    assert ended(peer) == [1, 3, 5]
    for stream in (1, 3, 5):
        data = [e.data for e in peer.heard if isinstance(e, h2.events.DataReceived) and e.stream_id == stream]
        assert b"".join(data) == request_.body
    for stream in (1, 3, 5):
        peer.answer(stream, b"answer %d" % stream)
    for slot in range(3):
        carrier.released(slot)
    done = carrier.receive(peer.hear(b""))
    assert [e.slot for e in done if isinstance(e, Begun)] == [0, 1, 2]
    assert [(e.slot, e.response.body) for e in done if isinstance(e, Answered)] == [
        (0, b"answer 1"), (1, b"answer 3"), (2, b"answer 5"),
    ]  # fmt: skip
    assert carrier.capacity > 0


def test_header_fields_of_a_connection_are_left_out() -> None:
    peer = Peer()
    carrier = met(peer)
    peer.hear(b"".join(carrier.prepare([GET], PLANS["whole"]).tails))
    headers = next(e.headers or [] for e in peer.heard if isinstance(e, h2.events.RequestReceived))
    assert [(str(name), str(value)) for name, value in headers] == [
        (":method", "GET"), (":scheme", "http"), (":authority", "host:1"), (":path", "/x"), ("cookie", "a=b"),
    ]  # fmt: skip


def test_headers_longer_than_a_frame_are_continued() -> None:
    peer = Peer()
    carrier = met(peer)
    values = [chr(32 + n % 90) * 3_000 for n in range(10)]
    long = Request("GET", "/", headers=tuple((f"x-{n}", f"!{value}!") for n, value in enumerate(values)))
    peer.hear(b"".join(carrier.prepare([long], PLANS["whole"]).tails))
    assert ended(peer) == [1]


def test_the_peers_limit_of_streams_is_the_capacity() -> None:
    carrier = met(Peer(streams=7))
    assert carrier.capacity == 7
    with pytest.raises(TargetError, match="takes 7"):
        carrier.prepare([GET] * 8, PLANS["whole"])


def test_bodies_beyond_the_window_are_refused_before_anything_is_framed() -> None:
    carrier = met(Peer())
    with pytest.raises(TargetError, match=r"bodies are 80,000 bytes .* window is 65,535"):
        carrier.prepare([Request("POST", "/", body=b"x" * 40_000)] * 2, PLANS["last-byte"])


def begin(plan: str = "last-byte", racers: int = 3) -> Carrier2:
    carrier = met(Peer())
    carrier.prepare([GET] * racers, PLANS[plan])
    return carrier


def test_goaway_keeps_the_answers_to_come_and_says_who_was_not_looked_at() -> None:
    carrier = begin()
    events = carrier.receive(GoAwayFrame(0, last_stream_id=3, error_code=0).serialize())
    assert events == [Lost(2, "the server sent GOAWAY (NO_ERROR) before it looked at the request", False)]
    assert not carrier.wants(2)
    block = Encoder().encode([(":status", "204")])
    answer = HeadersFrame(3, block, flags=["END_HEADERS", "END_STREAM"]).serialize()
    assert carrier.receive(answer) == [Begun(1), Answered(1, Response(204))]
    lost = carrier.receive(b"")
    assert [(e.slot, e.may_have_run) for e in lost if isinstance(e, Lost)] == [(0, True)]
    assert carrier.capacity == 0


@pytest.mark.parametrize(("code", "may_have_run"), [(7, False), (8, True), (2, True)])
def test_a_reset_stream_ran_or_not_by_its_code(code: int, may_have_run: bool) -> None:
    carrier = begin()
    events = carrier.receive(RstStreamFrame(3, error_code=code).serialize())
    assert [(e.slot, e.may_have_run) for e in events if isinstance(e, Lost)] == [(1, may_have_run)]
    assert [carrier.wants(slot) for slot in range(3)] == [True, False, True]


def informed(data: bytes) -> list[Event]:
    return begin().receive(data)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        HeadersFrame(1, b"\x88").serialize() + DataFrame(1, b"x").serialize(),
    ],
    ids=["another protocol", "broken compression", "interrupted header block"],
)
def test_what_is_not_http2_loses_everybody_and_says_so(data: bytes) -> None:
    events = informed(data)
    assert len(events) == 3
    assert all(isinstance(e, Lost) and "not HTTP/2" in e.reason and e.may_have_run for e in events)


@given(st.binary(max_size=300))
def test_no_bytes_whatever_escape_as_an_exception(data: bytes) -> None:
    carrier = begin()
    carrier.receive(data)
    carrier.receive(b"")
    assert carrier.capacity == 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.binary(max_size=40))
def test_an_answer_in_any_pieces_is_the_same_answer(cuts: list[int], body: bytes) -> None:
    peer = Peer()
    carrier = met(peer)
    peer.hear(b"".join(carrier.prepare([GET], PLANS["whole"]).tails))
    peer.answer(1, body)
    data = peer.connection.data_to_send()
    events: list[Event] = []
    while data:
        size = cuts.pop(0) if cuts else len(data)
        events += carrier.receive(data[:size])
        data = data[size:]
    assert [e.response for e in events if isinstance(e, Answered)] == [
        Response(200, (("x-stream", "1"),), body)
    ]
