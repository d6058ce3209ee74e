"""WebSocket messages as racers, judged by wsproto as the server."""

import socket
from collections.abc import Callable

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    TextMessage,
)
from wsproto.events import Request as Opening

from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Round, Version
from deadheat.wire import PLANS
from tests.io.servers import Script, serving

Hook = Callable[[WSConnection, Event], bytes]


def websocket(hook: Hook) -> Script:
    def script(peer: socket.socket) -> None:
        connection = WSConnection(ConnectionType.SERVER)
        text = ""
        while data := peer.recv(65_536):
            connection.receive_data(data)
            for event in connection.events():
                if isinstance(event, TextMessage):  # in the pieces it came in
                    text += event.data
                    if not event.message_finished:
                        continue
                    event, text = TextMessage(data=text), ""
                peer.sendall(hook(connection, event))

    return script


def echo(connection: WSConnection, event: Event) -> bytes:
    if isinstance(event, Opening):
        welcome = connection.send(AcceptConnection())
        return welcome + connection.send(TextMessage(data="welcome")) + connection.send(Ping())
    if isinstance(event, TextMessage):
        return connection.send(TextMessage(data=f"{event.data}!"))
    return b""


def rounds(hook: Hook, plan: str = "last-byte", times: int = 1) -> tuple[Releaser, list[Round]]:
    racers = [Request("GET", f"/room/{n % 2}", body=f"message {n}".encode()) for n in range(4)]
    with (
        serving(websocket(hook)) as port,
        Releaser(Origin("http", "127.0.0.1", port), Version.WS, deadline=0.5) as releaser,
    ):
        return releaser, [releaser.round(racers, PLANS[plan]) for _ in range(times)]


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_each_message_is_answered_by_the_next_one_after_its_release(plan: str) -> None:
    releaser, taken = rounds(echo, plan, times=3)
    for each in taken:
        assert [shot.response.text for shot in each.shots if shot.response] == [
            f"message {n}!" for n in range(4)
        ]
        assert not any(shot.early for shot in each.shots)
    assert releaser.connections == 4
    assert all(shot.parked for shot in taken[0].shots)


def test_nothing_of_a_message_is_seen_before_its_last_byte() -> None:
    seen: list[str] = []

    def noting(connection: WSConnection, event: Event) -> bytes:
        if isinstance(event, TextMessage):
            seen.append(event.data)
        return echo(connection, event)

    with (
        serving(websocket(noting)) as port,
        Releaser(Origin("http", "127.0.0.1", port), Version.WS) as releaser,
    ):
        held = releaser.park([Request("GET", "/", body=b"whole")], PLANS["last-byte"])
        assert held.wait(0.05)
        assert seen == []
        assert held.finish().shots[0].response is not None
    assert seen == ["whole"]


def test_a_handshake_that_is_refused_is_the_answer() -> None:
    def refusing(connection: WSConnection, event: Event) -> bytes:
        head = connection.send(RejectConnection(status_code=401, has_body=True))
        return head + connection.send(RejectData(data=b"log in"))

    _, taken = rounds(refusing)
    assert {(s.response.status, s.response.text) for s in taken[0].shots if s.response} == {(401, "log in")}
    assert all(shot.early for shot in taken[0].shots)


def test_a_server_that_closes_instead_of_answering_may_have_run() -> None:
    def closing(connection: WSConnection, event: Event) -> bytes:
        if isinstance(event, Opening):
            return connection.send(AcceptConnection())
        if isinstance(event, TextMessage):
            return connection.send(CloseConnection(code=1011))
        return b""

    _, taken = rounds(closing)
    assert {shot.reason for shot in taken[0].shots} == {"the server closed the WebSocket (code 1011)"}
    assert len(taken[0].indeterminate) == 4


def test_what_is_no_websocket_is_said_to_be_none() -> None:
    def other(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(b"\x00\x01 what?\r\n\r\n")

    with (
        serving(other) as port,
        Releaser(Origin("http", "127.0.0.1", port), Version.WS, deadline=0.5) as releaser,
    ):
        shot = releaser.round([Request("GET", "/", body=b"x")], PLANS["last-byte"]).shots[0]
    assert shot.response is None
    assert "not a WebSocket" in shot.reason
