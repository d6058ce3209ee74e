"""HTTP/3: racers over one warm connection, released in one datagram; and servers that go away."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from aioquic.quic.configuration import QuicConfiguration
from msgspec.structs import replace

from deadheat.engine.attack.courier import Courier
from deadheat.io import quic
from deadheat.io.allow import Allow
from deadheat.io.facts import offers, probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Response, TargetError, Version
from deadheat.model.config import Limits
from deadheat.wire import PLANS, choose
from tests.io.server3 import Peer, Seen, certified, serving3
from tests.io.servers import request as http1_request
from tests.io.servers import serving
from tests.io.test_tls import secure

GET = Request("GET", "/x", (("x-racer", "1"),))
POST = Request("POST", "/x", body=b"0123456789abcdefghij")
CA = trustme.CA()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("quic")
    CA.cert_pem.write_to_path(made / "ca.pem")
    return made


@pytest.fixture(scope="module")
def configuration(folder: Path) -> QuicConfiguration:
    return certified(CA, folder)


@pytest.fixture
def server(configuration: QuicConfiguration) -> Iterator[Seen]:
    with serving3(configuration) as seen:
        yield seen


def here(port: int, folder: Path) -> Origin:
    return replace(Origin("https", "localhost", port), ca=str(folder / "ca.pem"))


@pytest.mark.parametrize("plan", ["whole", "last-byte", "first-bytes"])
@pytest.mark.parametrize("request_", [GET, POST], ids=str)
def test_rounds_over_one_warm_connection_in_a_datagram_each(
    plan: str, request_: Request, server: Seen, folder: Path
) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        rounds = [releaser.round([request_] * 10, PLANS[plan]) for _ in range(4)]
        assert releaser.connections == 1
    assert server.connections == 1
    assert server.releases == [10] * 4
    for each in rounds:
        assert [shot.response.status for shot in each.shots if shot.response] == [200] * 10
        assert all(shot.response and shot.response.body in {b"none", request_.body} for shot in each.shots)
        assert all(shot.parked == (plan != "whole") for shot in each.shots)
        assert each.note == ""


def test_credit_for_streams_is_awaited(server: Seen, folder: Path) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        for _ in range(5):  # 300 of the 128 streams that it allows at first
            assert all(shot.response for shot in releaser.round([POST] * 60, PLANS["last-byte"]).shots)
        assert releaser.connections == 1
    assert server.releases == [60] * 5


def test_a_hundred_and_more_end_in_one_datagram(server: Seen, folder: Path) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        assert all(shot.response for shot in releaser.round([POST] * 128, PLANS["last-byte"]).shots)
        assert server.releases == [128]
        assert all(shot.response for shot in releaser.round([POST] * 128, PLANS["last-byte"]).shots)


def test_what_does_not_fit_goes_in_the_fewest_datagrams(server: Seen, folder: Path) -> None:
    large = Request("POST", "/x", body=b"x" * 500)
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        together = releaser.round([large] * 10, PLANS["whole"])
    assert all(shot.response and shot.response.body == large.body for shot in together.shots)
    assert sum(server.releases) == 10
    assert len(server.releases) == 5


def test_bodies_beyond_the_congestion_window_are_all_there_before_the_release(
    server: Seen, folder: Path
) -> None:
    large = Request("POST", "/x", body=b"x" * 5_000)
    with Releaser(here(server.port, folder), Version.H3, patience=5.0) as releaser:
        round_ = releaser.round([large] * 20, PLANS["last-byte"])
    assert all(shot.parked and shot.response and shot.response.body == large.body for shot in round_.shots)
    assert server.releases == [20]


def test_bodies_beyond_what_the_server_admits_are_refused_before_anything_is_sent(
    server: Seen, folder: Path
) -> None:
    huge = Request("POST", "/x", body=b"x" * 2_000_000)
    with (
        Releaser(here(server.port, folder), Version.H3) as releaser,
        pytest.raises(TargetError, match=r"HTTP/3 window is 1,048,\d+"),
    ):
        releaser.round([huge], PLANS["last-byte"])
    assert server.bodies == {}


def test_a_release_lost_on_the_way_is_sent_again(
    server: Seen, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(lane: quic.QuicLane, data: bytes) -> Callable[[], None]:
        lane._quic.packets(data)
        return lambda: None

    with Releaser(here(server.port, folder), Version.H3) as releaser:
        held = releaser.park([POST] * 5, PLANS["last-byte"])
        monkeypatch.setattr(quic.QuicLane, "loaded", lost)
        assert all(shot.response for shot in held.finish().shots)
    assert server.releases == [5]


def test_offsets_are_kept(server: Seen, folder: Path) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        round_ = releaser.round([GET] * 3, PLANS["last-byte"], (0.0, 0.002, 0.0))
    assert all(shot.response for shot in round_.shots)
    assert server.releases == [2, 1]


def test_one_can_be_held_while_another_runs(server: Seen, folder: Path) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        held = releaser.park([POST], PLANS["last-byte"])
        assert releaser.ask(GET).response is not None
        assert held.waiting
        assert held.finish().shots[0].response is not None


def test_a_server_that_ends_the_connection_leaves_nobody_waiting(
    configuration: QuicConfiguration, folder: Path
) -> None:
    def leaving(peer: Peer, stream: int) -> None:
        if stream == 0:
            peer.answer(stream)
        else:
            peer.close(error_code=0x100, reason_phrase="restart")

    with (
        serving3(configuration, leaving) as seen,
        Releaser(here(seen.port, folder), Version.H3) as releaser,
    ):
        first, *others = releaser.round([GET] * 3, PLANS["last-byte"]).shots
        assert first.response is None or first.response.status == 200
        assert [shot.reason for shot in others] == [
            "the connection was closed (HTTP/3 code 0x100: restart)"
        ] * 2
        assert all(shot.may_have_run for shot in others)
        again = releaser.round([GET], PLANS["whole"]).shots[0]
    assert again.response is not None
    assert seen.connections == 2


@pytest.mark.parametrize(("code", "ran"), [(0x10B, False), (0x102, True)])
def test_a_rejected_stream_is_known_not_to_have_run(
    code: int, ran: bool, configuration: QuicConfiguration, folder: Path
) -> None:
    def rejecting(peer: Peer, stream: int) -> None:
        if stream == 0:
            peer.answer(stream)
        else:
            peer._quic.reset_stream(stream, code)
            peer.transmit()

    with (
        serving3(configuration, rejecting) as seen,
        Releaser(here(seen.port, folder), Version.H3) as releaser,
    ):
        answered, rejected = releaser.round([GET] * 2, PLANS["last-byte"]).shots
    assert answered.response is not None
    assert rejected.response is None
    assert rejected.may_have_run is ran


def test_silence_is_indeterminate_and_ends(configuration: QuicConfiguration, folder: Path) -> None:
    with (
        serving3(configuration, lambda peer, stream: None) as seen,
        Releaser(here(seen.port, folder), Version.H3, deadline=0.5) as releaser,
    ):
        round_ = releaser.round([POST] * 3, PLANS["last-byte"])
    assert len(round_.indeterminate) == 3
    assert {shot.reason for shot in round_.shots} == {"no answer within 0.5 s"}


def test_a_server_that_is_gone_between_rounds_is_told(configuration: QuicConfiguration, folder: Path) -> None:
    with serving3(configuration) as seen:
        releaser = Releaser(here(seen.port, folder), Version.H3, deadline=0.5)
        assert releaser.ask(GET).response is not None
    with releaser, pytest.raises(TargetError, match=r"takes no request over HTTP/3: nothing listens"):
        releaser.round([GET] * 2, PLANS["last-byte"])


def test_the_certificate_counts_unless_told_otherwise(server: Seen) -> None:
    bare = Origin("https", "localhost", server.port)
    with (
        Releaser(bare, Version.H3) as releaser,
        pytest.raises(TargetError, match=r"certificate is not trusted .*: name the certificates"),
    ):
        releaser.ask(GET)
    with Releaser(replace(bare, insecure=True), Version.H3) as releaser:
        assert releaser.ask(GET).response is not None


def test_the_name_in_the_certificate_must_be_the_one_asked_for(server: Seen, folder: Path) -> None:
    wrong = replace(here(server.port, folder), server_name="other.example")
    with Releaser(wrong, Version.H3) as releaser, pytest.raises(TargetError, match="not trusted"):
        releaser.ask(GET)


def test_quic_without_http3_is_told(folder: Path) -> None:
    with (
        serving3(certified(CA, folder, "hq-interop")) as seen,
        Releaser(here(seen.port, folder), Version.H3) as releaser,
        pytest.raises(TargetError, match="does not offer h3"),
    ):
        releaser.ask(GET)


def test_probing_tells_limits_and_the_choice_says_why(server: Seen, folder: Path) -> None:
    origin = here(server.port, folder)
    facts = probe(origin, only=Version.H3)
    assert facts.versions == (Version.H3,)
    assert (facts.streams, facts.window >= 65_535, 1_000 < facts.segment < 1_200) == (128, True, True)
    few = choose(facts, [GET] * 100, origin)
    assert str(few) == "h3/last-byte"
    assert re.fullmatch(r"what last-byte holds back \(\d+ bytes\) fits one datagram", few.because)
    assert str(choose(facts, [POST] * 10, origin)) == "h3/first-bytes"
    split = choose(facts, [GET] * 300, origin)
    assert split.because.endswith("fits one datagram; over 3 connections of 128 streams each")
    many = choose(replace(facts, streams=1_000), [POST] * 300, origin)
    assert str(many) == "h3/last-byte"
    assert "is 2 datagrams back to back; longer bodies wait behind their guards" in many.because
    both = replace(facts, versions=(Version.H2, Version.H3))
    assert choose(both, [GET], origin).version is Version.H2


def test_an_offer_is_taken_up_where_there_is_no_http2(configuration: QuicConfiguration, folder: Path) -> None:
    def offering(peer: socket.socket) -> None:
        port = peer.getsockname()[1]
        while http1_request(peer):
            peer.sendall(b'HTTP/1.1 200 OK\r\nalt-svc: h3=":%d"\r\ncontent-length: 0\r\n\r\n' % port)

    with serving(secure(offering, "http/1.1")) as port, serving3(configuration, port=port):
        facts = probe(replace(Origin("https", "localhost", port), insecure=True), timeout=1.0)
    assert facts.versions == (Version.H3, Version.H1)
    assert choose(facts, [GET], here(port, folder)).version is Version.H3


@pytest.mark.parametrize("via", ["h3", "h3/whole"])
def test_an_attack_goes_over_http3_when_told(via: str, server: Seen, folder: Path) -> None:
    with Courier(here(server.port, folder), Allow(), Limits(), via) as courier:
        choice = courier.choice([POST] * 4)
        round_ = courier.race([POST] * 4, choice)
        assert courier.ask(GET).status == 200
    assert str(choice) == ("h3/first-bytes" if via == "h3" else via)
    assert round_.version is Version.H3
    assert server.releases == [4, 1]


def test_not_even_a_datagram_goes_where_nothing_may_go() -> None:
    with (
        Releaser(Origin("https", "192.0.2.1", 443), Version.H3) as releaser,
        pytest.raises(TargetError, match="not among the authorised hosts: nothing was sent"),
    ):
        releaser.ask(GET)


def test_plain_http_is_refused() -> None:
    with (
        pytest.raises(TargetError, match="write https://"),
        Releaser(Origin("http", "127.0.0.1", 80), Version.H3) as releaser,
    ):
        releaser.ask(GET)


def test_without_aioquic_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quic, "installed", lambda: False)
    with pytest.raises(TargetError) as caught:
        probe(Origin("https", "127.0.0.1", 443), only=Version.H3)
    assert str(caught.value) == "HTTP/3 takes an extra: pip install 'deadheat[http3]'"


@pytest.mark.parametrize(
    ("value", "offered"),
    [
        ('h3=":443"; ma=86400', True), ('h2=":443", h3=":443"', True), ('h3=":8443"', False),
        ('h3="alt.example:443"', False), ('h3-29=":443"', False), ("clear", False),
    ],
)  # fmt: skip
def test_an_offer_counts_on_the_same_host_and_port(value: str, offered: bool) -> None:
    assert offers(Response(200, (("Alt-Svc", value),), b""), 443) is offered
