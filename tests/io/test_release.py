"""Rounds over real sockets, in good weather and bad: everybody is accounted for, nothing hangs."""

import socket
import threading

import h2.connection
import h2.events
import pytest

from deadheat.io.allow import Allow
from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Round, TargetError, Version
from deadheat.wire import PLANS
from tests.io.servers import OK, Script, answering, http2, polite, request, serving, silent

GET = Request("GET", "/x")
POST = Request("POST", "/x", body=b"0123456789abcdefghij")
ANSWERS: dict[Version, Script] = {Version.H1: polite, Version.H2: http2(answering)}


def at(port: int) -> Origin:
    return Origin("http", "127.0.0.1", port)


def one_round(script: Script, plan: str, version: Version, request_: Request = GET, racers: int = 3) -> Round:
    with serving(script) as port, Releaser(at(port), version, deadline=0.3, patience=0.1) as releaser:
        return releaser.round([request_] * racers, PLANS[plan])


@pytest.mark.parametrize("plan", sorted(PLANS))
@pytest.mark.parametrize("version", [Version.H1, Version.H2])
def test_everybody_is_answered_over_connections_that_stay(plan: str, version: Version) -> None:
    with serving(ANSWERS[version]) as port, Releaser(at(port), version) as releaser:
        rounds = [releaser.round([GET] * 4, PLANS[plan]) for _ in range(3)]
    assert releaser.connections == (4 if version is Version.H1 else 1)
    for each in rounds:
        assert [shot.response is not None for shot in each.shots] == [True] * 4
        assert all(shot.released <= (shot.first or 0) <= (shot.last or 0) for shot in each.shots)
        assert each.note == ""
        assert 1 <= each.in_flight <= 4


def test_racers_of_one_http2_connection_go_out_in_one_write() -> None:
    taken = one_round(ANSWERS[Version.H2], "last-byte", Version.H2, racers=20)
    assert taken.spread == 0
    assert all(shot.parked for shot in taken.shots)
    assert {shot.response.text for shot in taken.shots if shot.response} == {str(n) for n in range(1, 41, 2)}


@pytest.mark.parametrize("version", [Version.H1, Version.H2])
def test_offsets_are_kept_to_and_answers_stay_with_their_requests(version: Version) -> None:
    def echo(peer: socket.socket) -> None:
        while data := request(peer):
            path = data.split()[1]
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(path), path))

    paths: dict[int, bytes] = {}

    def echo2(connection: h2.connection.H2Connection, event: h2.events.Event) -> bool:
        if isinstance(event, h2.events.RequestReceived) and event.headers and event.stream_id:
            paths[event.stream_id] = dict(event.headers)[b":path"]
        if isinstance(event, h2.events.StreamEnded) and event.stream_id:
            connection.send_headers(event.stream_id, [(":status", "200")])
            connection.send_data(event.stream_id, paths[event.stream_id], end_stream=True)
        return True

    offsets = (0.004, 0.0, 0.002)
    racers = [Request("GET", f"/{n}") for n in range(3)]
    with (
        serving(echo if version is Version.H1 else http2(echo2)) as port,
        Releaser(at(port), version) as releaser,
    ):
        taken = releaser.round(racers, PLANS["whole"], offsets)
    assert [shot.response.text for shot in taken.shots if shot.response] == ["/0", "/1", "/2"]
    order = sorted(range(3), key=lambda n: taken.shots[n].released)
    assert order == [1, 2, 0]


def test_a_refused_connection_is_one_line_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Releaser(at(port), Version.H1) as releaser, pytest.raises(TargetError, match="cannot be reached"):
        releaser.round([GET], PLANS["last-byte"])


def test_http2_to_a_server_without_it_is_an_error_not_a_round() -> None:
    def only_http1(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(TargetError, match=r"takes no request over HTTP/2: the answer is not HTTP/2"):
        one_round(only_http1, "whole", Version.H2)


def test_a_server_that_never_greets_is_not_waited_for_longer_than_the_deadline() -> None:
    with pytest.raises(TargetError, match="did not greet in time"):
        one_round(silent, "whole", Version.H2)


@pytest.mark.parametrize("version", [Version.H1, Version.H2])
def test_a_server_that_never_answers_leaves_everybody_indeterminate(version: Version) -> None:
    script = silent if version is Version.H1 else http2(lambda connection, event: True)
    taken = one_round(script, "last-byte", version)
    assert len(taken.indeterminate) == 3
    assert {shot.reason for shot in taken.shots} == {"no answer within 0.3 s"}


def test_a_missing_100_continue_is_noted_and_the_round_goes_on() -> None:
    def without(peer: socket.socket) -> None:
        request(peer)
        request(peer, POST.body)
        peer.sendall(OK)

    taken = one_round(without, "continue", Version.H1, POST)
    assert all(shot.response and not shot.parked for shot in taken.shots)
    assert taken.note == "3 of 3 racers were not confirmed parked in time"


def test_100_continue_shows_that_racers_are_parked() -> None:
    def confirming(peer: socket.socket) -> None:
        request(peer)
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request(peer, POST.body)
        peer.sendall(OK)

    taken = one_round(confirming, "continue", Version.H1, POST)
    assert all(shot.response and shot.parked for shot in taken.shots)


def test_an_answer_before_the_release_is_told_and_the_body_is_kept() -> None:
    received: list[bytes] = []

    def eager(peer: socket.socket) -> None:
        request(peer)
        peer.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        received.append(peer.recv(65_536))

    taken = one_round(eager, "continue", Version.H1, POST, racers=1)
    assert taken.shots[0].early
    assert "answered before the release" in taken.note
    assert received == [b""]


@pytest.mark.parametrize("size", [0, 20], ids=["at once", "halfway through the answer"])
def test_a_parked_request_whose_connection_drops_may_have_run(size: int) -> None:
    def dropping(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(OK[:size])

    taken = one_round(dropping, "last-byte", Version.H1)
    assert len(taken.indeterminate) == 3
    assert all("answer" in shot.reason for shot in taken.shots)


def test_a_request_of_which_nothing_was_sent_did_not_run() -> None:
    gone = threading.Event()

    def closing(peer: socket.socket) -> None:
        gone.wait(5)

    with serving(closing) as port, Releaser(at(port), Version.H1) as releaser:
        held = releaser.park([GET], PLANS["whole"])
        gone.set()
        assert held.wait(5) is False
        taken = held.finish()
    assert taken.shots[0].response is None
    assert taken.indeterminate == ()


def test_goaway_in_the_middle_says_who_was_not_looked_at() -> None:
    def leaving(connection: h2.connection.H2Connection, event: h2.events.Event) -> bool:
        if isinstance(event, h2.events.StreamEnded) and event.stream_id == 5:
            connection.close_connection(last_stream_id=3)
            return False
        return True

    taken = one_round(http2(leaving), "last-byte", Version.H2)
    assert [shot.may_have_run for shot in taken.shots] == [True, True, False]
    assert all("GOAWAY" in shot.reason for shot in taken.shots)


def test_a_reset_stream_is_one_racers_loss() -> None:
    def resetting(connection: h2.connection.H2Connection, event: h2.events.Event) -> bool:
        if isinstance(event, h2.events.StreamEnded) and event.stream_id == 3:
            connection.reset_stream(3, error_code=7)
            return True
        return answering(connection, event)

    with serving(http2(resetting)) as port, Releaser(at(port), Version.H2) as releaser:
        taken = releaser.round([GET] * 3, PLANS["last-byte"])
        again = releaser.round([GET] * 3, PLANS["last-byte"])
        assert releaser.connections == 1
    assert [shot.response is not None for shot in taken.shots] == [True, False, True]
    assert taken.shots[1].reason == "the server reset the stream (REFUSED_STREAM)"
    assert not taken.shots[1].may_have_run
    assert all(shot.response for shot in again.shots)


def test_more_racers_than_streams_go_over_more_connections() -> None:
    with serving(http2(answering, streams=4)) as port, Releaser(at(port), Version.H2) as releaser:
        taken = releaser.round([GET] * 10, PLANS["last-byte"])
    assert all(shot.response for shot in taken.shots)
    assert taken.connections == 3


def test_a_connection_closed_between_rounds_is_replaced_unseen() -> None:
    def once(peer: socket.socket) -> None:
        request(peer)
        peer.sendall(OK)

    with serving(once) as port, Releaser(at(port), Version.H1) as releaser:
        for number in range(1, 4):
            assert releaser.ask(GET).response is not None
            held = releaser.lanes[0]
            releaser.wait(5, lambda lane=held: not lane.open)  # type: ignore[misc]
            assert releaser.connections == number


def test_racers_of_different_kinds_may_not_be_framed_and_then_nothing_is_sent() -> None:
    seen: list[bytes] = []

    def watching(peer: socket.socket) -> None:
        seen.append(peer.recv(65_536))

    bad = Request("GET", "/ bad path")
    with serving(watching) as port, Releaser(at(port), Version.H1) as releaser:
        with pytest.raises(TargetError, match="cannot be sent"):
            releaser.round([GET, bad], PLANS["whole"])
        assert releaser.lanes == ()
    assert set(seen) <= {b""}


def test_redirects_are_answers_and_are_not_followed() -> None:
    def elsewhere(peer: socket.socket) -> None:
        while request(peer):
            peer.sendall(b"HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n")

    taken = one_round(elsewhere, "last-byte", Version.H1)
    assert {shot.response.status for shot in taken.shots if shot.response} == {302}


def test_what_is_held_at_the_end_is_finished() -> None:
    whole: list[bytes] = []

    def counting(peer: socket.socket) -> None:
        while data := request(peer):
            whole.append(data)
            peer.sendall(OK)

    with serving(counting) as port, Releaser(at(port), Version.H1) as releaser:
        releaser.park([GET] * 2, PLANS["last-byte"])
        assert whole == []
    assert len(whole) == 2


def test_the_largest_bodies_go_out_though_the_kernel_takes_them_in_pieces() -> None:
    sizes: list[int] = []

    def reading(peer: socket.socket) -> None:
        data = request(peer, b"END")
        sizes.append(len(data.partition(b"\r\n\r\n")[2]))
        peer.sendall(OK)

    body = b"x" * 8_000_000 + b"END"
    with serving(reading) as port, Releaser(at(port), Version.H1) as releaser:
        taken = releaser.round([Request("POST", "/", body=body)] * 2, PLANS["last-byte"])
    assert all(shot.response for shot in taken.shots)
    assert sizes == [len(body)] * 2


def test_nothing_leaves_for_a_host_that_is_not_authorised() -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError(f"asked for {host}")

    origin = Origin("http", "staging.example", 80)
    with (
        Releaser(origin, Version.H1, Allow(resolver=never)) as releaser,
        pytest.raises(TargetError, match="not among the authorised hosts"),
    ):
        releaser.round([GET], PLANS["whole"])
    with pytest.raises(TargetError, match="not among the authorised hosts"):
        probe(origin, Allow(resolver=never))


def test_probing_finds_what_is_spoken() -> None:
    def both(peer: socket.socket) -> None:
        if peer.recv(3, socket.MSG_PEEK) == b"PRI":
            http2(answering)(peer)
            return
        request(peer)
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.recv(1)
        peer.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    with serving(both) as port:
        facts = probe(at(port))
    assert facts.versions == (Version.H2, Version.H1)
    assert facts.continues is True
    assert facts.segment > 500
    with serving(polite) as port:
        plain = probe(at(port), timeout=0.5)
    assert plain.versions == (Version.H1,)
    assert plain.continues is False
