"""Which connections an attack's requests go over, on a server that speaks HTTP/1.1 and HTTP/2."""

import socket

import h2.connection
import h2.events
import h2.settings

from deadheat.engine.attack.courier import Courier, weight
from deadheat.io.allow import Allow
from deadheat.model import MESSAGE, Origin, Request, Version
from deadheat.model.config import Limits
from tests.io.servers import Script, http2, serving

SMALL = Request("POST", "/small", body=b"a=1")
LARGE = Request("POST", "/large", body=b"a" * 40_000)
"""One fits the window of an HTTP/2 connection that nobody widened (65,535 bytes), two do not."""


def both(seen: list[str]) -> Script:
    """Speak what is spoken to it; notes over what each target came."""

    def answering(connection: h2.connection.H2Connection, event: h2.events.Event) -> bool:
        if isinstance(event, h2.events.RequestReceived) and event.stream_id is not None:
            seen.append(f"h2 {dict(event.headers)[b':path'].decode()}")
        if isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
            connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
        return True

    over_http2 = http2(answering)

    def script(peer: socket.socket) -> None:
        if peer.recv(3, socket.MSG_PEEK) == b"PRI":
            over_http2(peer)
        else:
            over_http1(peer)

    def over_http1(peer: socket.socket) -> None:
        data = b""
        while more := peer.recv(65_536):
            data += more
            head, end, rest = data.partition(b"\r\n\r\n")
            if b"100-continue" in head:
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                data = data.replace(b"100-continue", b"")
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if end and len(rest) >= size:
                seen.append(f"h1 {head.split()[1].decode()}")
                peer.sendall(b"HTTP/1.1 200 -\r\ncontent-length: 0\r\n\r\n")
                data = rest[size:]

    return script


def test_bodies_that_do_not_fit_the_window_go_over_http1_one_by_one_and_together() -> None:
    seen: list[str] = []
    with (
        serving(both(seen)) as port,
        Courier(Origin("http", "127.0.0.1", port), Allow(), Limits(rate=1e6, deadline=3)) as courier,
    ):
        assert courier.survey().versions == (Version.H2, Version.H1)
        seen.clear()
        for requests, version in (((SMALL, SMALL), "h2"), ((LARGE, LARGE), "h1")):
            choice = courier.choice(requests)
            assert choice.version == version
            round_ = courier.race(requests, choice)
            turns = courier.in_turn(requests, (1, 0))
            hold = courier.hold(LARGE, [SMALL], 0.0) if version == "h2" else courier.hold(LARGE, [LARGE], 0.0)
            shots = (*round_.shots, *turns, hold.held, *hold.meanwhile)
            assert [shot.response.status for shot in shots if shot.response] == [200] * 6
            assert round_.version == version
            assert {each.split()[0] for each in seen} == {version}
            seen.clear()


def test_a_message_counts_with_the_opening_of_its_websocket() -> None:
    assert weight([SMALL, Request(MESSAGE, "/live", body=b"x")]) == 3
