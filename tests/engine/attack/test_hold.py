"""Holds: forced only when the held request was still waiting after all the others had answered."""

import socket
import threading

import pytest

from deadheat.engine.attack.hold import hold, holdable
from deadheat.io.release import Releaser
from deadheat.model import Gate, Origin, Request, Version
from tests.io.servers import OK, request, serving

BODY = b"sixteen bytes ..."
POST = Request("POST", "/spend", body=BODY)
REVOKE = Request("GET", "/revoke")


class Shop:
    """A guard that looks once `needed` body bytes have come, a handler that runs at the end."""

    def __init__(self, needed: int = 14) -> None:
        self.revoked = threading.Event()
        self._needed = needed

    def __call__(self, peer: socket.socket) -> None:
        data = b""
        while more := peer.recv(65_536):
            data += more
            if data.startswith(b"GET") and data.endswith(b"\r\n\r\n"):
                self.revoked.set()
                peer.sendall(OK)
                return
            head, _, body = data.partition(b"\r\n\r\n")
            if head.startswith(b"POST") and len(body) >= self._needed:
                allowed = not self.revoked.is_set()
                while len(body) < len(BODY):
                    body += peer.recv(65_536)
                peer.sendall(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % (200 if allowed else 403))
                return


def held_at(gate: Gate) -> tuple[bool, int]:
    with serving(Shop()) as port, Releaser(Origin("http", "127.0.0.1", port), Version.H1) as releaser:
        taken = hold(releaser, POST, (REVOKE,), gate=gate)
    assert taken.held.response is not None
    return taken.forced, taken.held.response.status


def test_behind_the_guards_the_old_permission_is_used_and_before_them_it_is_not() -> None:
    assert held_at(Gate.HANDLER) == (True, 200)
    assert held_at(Gate.START) == (True, 403)


def test_a_request_that_is_answered_without_its_end_was_not_held() -> None:
    def hasty(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(OK)

    with serving(hasty) as port, Releaser(Origin("http", "127.0.0.1", port), Version.H1) as releaser:
        taken = hold(releaser, POST, (REVOKE,))
    assert not taken.forced
    assert taken.meanwhile == ()
    assert taken.reason == "POST /spend was answered before the others were sent: nothing waits for its body"


def test_a_held_request_that_loses_its_connection_is_not_forced_and_may_have_run() -> None:
    def dropping(peer: socket.socket) -> None:
        peer.recv(65_536)

    with serving(dropping) as port, Releaser(Origin("http", "127.0.0.1", port), Version.H1) as releaser:
        taken = hold(releaser, POST, (REVOKE,))
    assert not taken.forced
    assert taken.held.may_have_run
    assert "was lost while it was held" in taken.reason


def test_others_that_wait_for_the_held_one_are_told() -> None:
    def locking(peer: socket.socket) -> None:
        data = peer.recv(65_536)
        if data.startswith(b"POST"):
            request(peer, BODY[-1:])
            peer.sendall(OK)
        peer.recv(65_536)

    with (
        serving(locking) as port,
        Releaser(Origin("http", "127.0.0.1", port), Version.H1, deadline=0.2) as releaser,
    ):
        taken = hold(releaser, POST, (REVOKE,))
    assert not taken.forced
    assert taken.reason == "GET /revoke did not end while the other was held: no answer within 0.2 s"


def test_short_json_is_padded_and_other_short_bodies_are_refused() -> None:
    json = Request("POST", "/a", headers=(("Content-Type", "application/json; charset=utf-8"),), body=b"{}")
    padded = holdable(json)
    assert isinstance(padded, Request)
    assert padded.body == b"{}" + b" " * 13
    assert holdable(POST) == POST
    assert holdable(Request("GET", "/a")) == "GET /a has no body to withhold a byte of"
    form = Request("POST", "/a", body=b"n=1")
    assert holdable(form) == "the body of POST /a is 3 bytes, and 15 are needed to run its guards"
    with (
        Releaser(Origin("http", "127.0.0.1", 1), Version.H1) as releaser,
        pytest.raises(ValueError, match="cannot be held"),
    ):
        hold(releaser, form, ())
