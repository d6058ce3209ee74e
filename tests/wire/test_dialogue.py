"""A WebSocket spoken from its handshake to its end, judged by wsproto as the server."""

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    TextMessage,
)
from wsproto.events import Request as Opening

from deadheat.model import Request, Response, TargetError
from deadheat.wire.dialogue import Dialogue

CLAIM = Request("WS", "/hall", (("cookie", "a=1"),), b"A1")


class Server:
    """Takes what the client says; `seen` is what it heard."""

    def __init__(self) -> None:
        self._protocol = WSConnection(ConnectionType.SERVER)
        self.seen: list[Event] = []

    def hear(self, data: bytes) -> Event | None:
        self._protocol.receive_data(data)
        heard = list(self._protocol.events())
        self.seen += heard
        return heard[-1] if heard else None

    def say(self, *events: Event) -> bytes:
        return b"".join(map(self._protocol.send, events))


def opened(request: Request = CLAIM) -> tuple[Dialogue, Server]:
    dialogue, server = Dialogue("127.0.0.1:1"), Server()
    server.hear(dialogue.start(request, ("x-deadheat-actor", "1.0")))
    return dialogue, server


def test_the_message_waits_for_the_handshake_and_the_end_for_its_answer() -> None:
    dialogue, server = opened()
    opening = server.seen[0]
    assert isinstance(opening, Opening)
    assert (opening.target, opening.host) == ("/hall", "127.0.0.1:1")
    assert {(b"cookie", b"a=1"), (b"x-deadheat-actor", b"1.0")} <= set(opening.extra_headers)
    assert server.hear(dialogue.receive(server.say(AcceptConnection()))) == TextMessage(data="A1")
    goodbye = server.hear(dialogue.receive(server.say(TextMessage(data="yours"))))
    assert isinstance(goodbye, CloseConnection)
    assert not dialogue.over
    assert dialogue.receive(server.say(goodbye.response())) == b""
    assert (dialogue.over, dialogue.response) == (True, Response(101, (), b"yours"))


def test_all_that_is_said_is_the_answer() -> None:
    dialogue, server = opened()
    server.hear(dialogue.receive(server.say(AcceptConnection())))
    pieces = TextMessage(data="wel", message_finished=False), TextMessage(data="come")
    assert dialogue.receive(server.say(pieces[0])) == b""
    said = dialogue.receive(server.say(pieces[1]))
    late = server.say(BytesMessage(data=b"\xff"), TextMessage(data="yours"))  # on its way already
    goodbye = server.hear(said)
    assert isinstance(goodbye, CloseConnection)
    assert dialogue.receive(late) == b""
    dialogue.receive(server.say(goodbye.response()))
    assert dialogue.response == Response(101, (), b"welcome\n\xff\nyours")


def test_who_is_silent_is_not_waited_for() -> None:
    dialogue, server = opened()
    assert dialogue.silent() == b""  # the handshake is awaited all the same
    server.hear(dialogue.receive(server.say(AcceptConnection())))
    assert isinstance(server.hear(dialogue.silent()), CloseConnection)
    assert not dialogue.over
    assert dialogue.silent() == b""
    assert (dialogue.over, dialogue.response) == (True, Response(101))


def test_without_a_message_it_listens() -> None:
    dialogue, server = opened(Request("WS", "/feed"))
    assert dialogue.receive(server.say(AcceptConnection())) == b""
    assert isinstance(server.hear(dialogue.silent()), CloseConnection)


def test_pings_and_a_close_are_answered() -> None:
    dialogue, server = opened()
    server.hear(dialogue.receive(server.say(AcceptConnection())))
    pong = server.hear(dialogue.receive(server.say(Ping(payload=b"1"))))
    assert pong == Ping(payload=b"1").response()
    assert server.hear(dialogue.receive(server.say(CloseConnection(code=1001)))) is not None
    assert (dialogue.over, dialogue.response) == (True, Response(101))


@pytest.mark.parametrize("body", [b"", b"no such hall"])
def test_a_refusal_is_a_response(body: bytes) -> None:
    dialogue, server = opened()
    refused = RejectConnection(status_code=404, headers=[(b"x", b"y")], has_body=bool(body))
    said = [refused, RejectData(data=body)] if body else [refused]
    dialogue.receive(server.say(*said))
    response = dialogue.response
    assert dialogue.over
    assert response is not None
    assert (response.status, response.body, ("x", "y") in response.headers) == (404, body, True)


def test_an_end_without_an_answer_and_what_is_no_websocket() -> None:
    dialogue, _ = opened()
    dialogue.receive(b"")
    assert (dialogue.over, dialogue.response) == (True, None)
    dialogue, _ = opened()
    with pytest.raises(TargetError, match="not a WebSocket"):
        dialogue.receive(b"SMTP\r\n\r\n")
