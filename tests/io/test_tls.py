"""TLS: trusted, waived or refused; HTTP/2 only where the server agreed to it."""

import socket
import ssl
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, TargetError, Version
from deadheat.wire import PLANS
from tests.io.servers import Script, answering, http2, polite, serving

GET = Request("GET", "/x")
_CA = trustme.CA()
_CERTIFICATE = _CA.issue_cert("localhost", "127.0.0.1")


def secure(script: Script, *alpn: str) -> Script:
    def talk(peer: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(alpn))
        _CERTIFICATE.configure_cert(context)
        with context.wrap_socket(peer, server_side=True) as wrapped:
            script(wrapped)

    return talk


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    _CA.cert_pem.write_to_path(path)
    return path


def here(port: int, ca: Path) -> Origin:
    return replace(Origin("https", "localhost", port), ca=str(ca))


@pytest.mark.parametrize("plan", sorted(PLANS))
@pytest.mark.parametrize("version", [Version.H1, Version.H2])
def test_rounds_over_tls(plan: str, version: Version, trusted: Path) -> None:
    script = secure(polite, "http/1.1") if version is Version.H1 else secure(http2(answering), "h2")
    with serving(script) as port, Releaser(here(port, trusted), version) as releaser:
        rounds = [releaser.round([GET] * 5, PLANS[plan]) for _ in range(2)]
        assert releaser.connections == (5 if version is Version.H1 else 1)
    assert all(shot.response for each in rounds for shot in each.shots)


def test_a_certificate_nobody_vouches_for_is_refused_with_what_to_do() -> None:
    with (
        serving(secure(polite, "http/1.1")) as port,
        Releaser(Origin("https", "localhost", port), Version.H1) as releaser,
        pytest.raises(TargetError, match=r"certificate is not trusted .*: name the certificates"),
    ):
        releaser.round([GET], PLANS["whole"])


def test_any_certificate_will_do_when_told_so() -> None:
    with (
        serving(secure(polite, "http/1.1")) as port,
        Releaser(Origin("https", "localhost", port, insecure=True), Version.H1) as releaser,
    ):
        assert releaser.ask(GET).response is not None


def test_the_name_in_the_certificate_must_be_the_one_asked_for(trusted: Path) -> None:
    with serving(secure(polite, "http/1.1")) as port:
        wrong = replace(here(port, trusted), server_name="other.example")
        with Releaser(wrong, Version.H1) as releaser, pytest.raises(TargetError, match="not trusted"):
            releaser.ask(GET)


def test_alpn_without_http2_is_told(trusted: Path) -> None:
    with (
        serving(secure(polite, "http/1.1")) as port,
        Releaser(here(port, trusted), Version.H2) as releaser,
        pytest.raises(TargetError, match=r"does not offer h2|TLS failed"),
    ):
        releaser.round([GET], PLANS["whole"])


def test_a_server_without_tls_is_one_line(trusted: Path) -> None:
    with (
        serving(polite) as port,
        Releaser(here(port, trusted), Version.H1, deadline=0.3) as releaser,
        pytest.raises(TargetError, match="TLS failed"),
    ):
        releaser.ask(GET)


def test_probing_over_tls_finds_both_versions(trusted: Path) -> None:
    def both(peer: socket.socket) -> None:
        agreed = peer.selected_alpn_protocol() if isinstance(peer, ssl.SSLSocket) else None
        (http2(answering) if agreed == "h2" else polite)(peer)

    with serving(secure(both, "h2", "http/1.1")) as port:
        facts = probe(here(port, trusted), timeout=0.5)
    assert facts.versions[0] is Version.H2
    assert facts.tls
