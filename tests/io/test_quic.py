"""HTTP/3: racers over one warm connection, released in one datagram; and servers that go away."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from aioquic.quic.configuration import QuicConfiguration
from msgspec.structs import replace

from deadheat.io import quic
from deadheat.io.facts import offers, probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Response, TargetError, Version
from deadheat.wire import PLANS, choose
from tests.io.server3 import Peer, Seen, certified, serving3

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


def test_sixty_racers_come_to_their_end_in_one_datagram_and_credit_comes_back(
    server: Seen, folder: Path
) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        for _ in range(4):
            assert all(shot.response for shot in releaser.round([POST] * 100, PLANS["last-byte"]).shots)
        assert releaser.connections == 1
    assert server.releases == [100] * 4


def test_what_does_not_fit_goes_in_the_fewest_datagrams(server: Seen, folder: Path) -> None:
    large = Request("POST", "/x", body=b"x" * 500)
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        together = releaser.round([large] * 10, PLANS["whole"])
    assert all(shot.response and shot.response.body == large.body for shot in together.shots)
    assert sum(server.releases) == 10
    assert len(server.releases) == 5


def test_offsets_are_kept(server: Seen, folder: Path) -> None:
    with Releaser(here(server.port, folder), Version.H3) as releaser:
        spread = releaser.round([GET] * 3, PLANS["last-byte"], (0.0, 0.002, 0.0))
    assert spread.spread >= 0.002
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
    few = choose(facts, [GET] * 5, origin)
    assert str(few) == "h3/whole"
    assert "fits one datagram" in few.because
    assert str(choose(facts, [GET] * 100, origin)) == "h3/last-byte"
    many = choose(facts, [POST] * 300, origin)
    assert str(many) == "h3/last-byte"
    assert "in 3 datagrams back to back" in many.because
    assert "over 3 connections of 128 streams each" in many.because
    both = replace(facts, versions=(Version.H2, Version.H3))
    assert choose(both, [GET], origin).version is Version.H2


def test_not_even_a_datagram_goes_where_nothing_may_go() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody,
        Releaser(Origin("https", "192.0.2.1", 443), Version.H3) as releaser,
        pytest.raises(TargetError, match="not among the authorised hosts: nothing was sent"),
    ):
        nobody.bind(("127.0.0.1", 0))
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
