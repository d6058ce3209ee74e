"""A WebSocket among the connections to an application: it speaks by itself, and is closed in any state."""

import socket

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage
from wsproto.events import Request as Opening

from deadheat.io.http import Connection, Pool
from deadheat.io.websocket import WebSocket, connect
from deadheat.model import MESSAGE, Request, Response, TargetError
from tests.io.servers import OK, request, serving

CLAIM = Request(MESSAGE, "/hall", body=b"A1")


def echo(peer: socket.socket) -> None:
    protocol = WSConnection(ConnectionType.SERVER)
    while data := peer.recv(65_536):
        protocol.receive_data(data)
        for event in protocol.events():
            if isinstance(event, Opening):
                peer.sendall(protocol.send(AcceptConnection()))
            elif isinstance(event, TextMessage):
                peer.sendall(protocol.send(TextMessage(data=f"{event.data} is yours")))
            elif isinstance(event, CloseConnection):
                peer.sendall(protocol.send(event.response()))


def test_a_message_is_sent_and_answered_without_a_word_from_us() -> None:
    with serving(echo) as port:
        pool = Pool(port)
        connection = connect(pool, CLAIM)
        connection.send_again(CLAIM, "x-deadheat-actor", "1.0")
        assert connection.receive() == Response(101, (), b"A1 is yours")
        assert not connection.reusable
        pool.give(connection)


def test_a_plain_request_takes_a_connection_of_the_pool() -> None:
    def script(peer: socket.socket) -> None:
        while request(peer):
            peer.sendall(OK)

    with serving(script) as port:
        pool = Pool(port)
        connection = connect(pool, Request("GET", "/"))
        assert type(connection) is Connection
        assert connection.ask(Request("GET", "/")).body == b"ok"
        pool.give(connection)
        pool.close()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"])
def test_who_breaks_off_is_told_from_who_refuses(greeting: bytes) -> None:
    def script(peer: socket.socket) -> None:
        request(peer)
        peer.sendall(greeting)

    with serving(script) as port:
        connection = WebSocket(port)
        connection.send(CLAIM)
        if greeting:
            assert connection.receive().status == 500
        else:
            with pytest.raises(TargetError, match="handshake"):
                connection.receive()
        connection.close()


def test_one_that_is_held_is_closed_all_the_same() -> None:
    def script(peer: socket.socket) -> None:
        while peer.recv(65_536):
            pass  # the handshake is never answered

    with serving(script) as port:
        connection = WebSocket(port)
        connection.send(CLAIM)
        connection.close()


def test_one_that_never_spoke_is_closed() -> None:
    with serving(echo) as port:
        WebSocket(port).close()
