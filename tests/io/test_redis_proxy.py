"""The proxy before a real Redis: what waits, what passes, in which order answers come."""

import socket
from collections.abc import Iterator

import pytest

from deadheat.io.redis_admin import Server
from deadheat.io.redis_proxy import Lane, Proxy
from deadheat.model import TargetError
from deadheat.wire.redis import Replies, command
from tests.servers.redis import Redis, redis

pytestmark = pytest.mark.rocket


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with redis() as running:
        yield running


class Client:
    """The application's end."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.socket = socket.create_connection(("127.0.0.1", proxy.port))
        self._replies = Replies()

    def send(self, owner: int | None, *commands: str) -> None:
        self.proxy.running = owner
        self.socket.sendall(b"".join(command(*one.split()) for one in commands))
        self.settle()

    def settle(self) -> None:
        while self.proxy.pump(0.02) or self.proxy.stirred != self._stirred():
            pass

    def _stirred(self) -> int:
        before = self.proxy.stirred
        self.proxy.pump(0.02)
        return before

    def replies(self) -> list[str]:
        self.settle()
        self.socket.setblocking(False)
        try:
            found = list(self._replies.feed(self.socket.recv(65536)))
        except BlockingIOError:
            found = []
        finally:
            self.socket.setblocking(True)
        return [(one.frame.text or b"").decode() for one in found]


@pytest.fixture
def client(server: Redis) -> Iterator[Client]:
    server.ask("FLUSHALL")
    proxy = Proxy(Server.of(server.url))
    client = Client(proxy)
    proxy.gate = True
    yield client
    client.socket.close()
    proxy.close()


def lane(client: Client, owner: int) -> Lane:
    (found,) = (each for each in client.proxy.lanes if each.owner == owner)
    return found


def test_a_step_waits_and_the_rest_passes(client: Client) -> None:
    client.send(0, "PING")
    assert client.replies() == ["PONG"]
    client.send(0, "SET a 1", "PING", "GET a")
    assert client.replies() == []
    assert lane(client, 0).holds
    client.proxy.grant(lane(client, 0))
    assert client.replies() == ["OK", "PONG"]
    assert lane(client, 0).holds
    client.proxy.open_gate()
    assert client.replies() == ["1"]


def test_answers_over_one_connection_keep_their_order(client: Client) -> None:
    client.send(0, "GET a")
    client.send(1, "SET a 1")
    client.proxy.grant(lane(client, 1))
    assert client.replies() == []
    assert lane(client, 1).behind
    client.proxy.grant(lane(client, 0))
    assert client.replies() == ["1"]
    assert not lane(client, 1).behind
    client.proxy.grant(lane(client, 1))
    assert client.replies() == ["OK"]
    assert not lane(client, 1).busy


def test_a_kept_answer_waits(client: Client) -> None:
    client.send(0, "INCR a")
    client.proxy.grant(lane(client, 0))
    client.proxy.keep(lane(client, 0))
    assert client.replies() == []
    client.proxy.grant(lane(client, 0))
    assert client.replies() == ["1"]


def test_pushes_pass(client: Client) -> None:
    client.send(None, "HELLO 3")
    client.replies()
    client.send(None, "SUBSCRIBE news")
    assert len(client.replies()) == 1
    client.send(0, "GET a")
    other = Client(client.proxy)
    other.send(1, "PUBLISH news now")
    assert len(client.replies()) == 1
    assert lane(client, 0).holds
    other.socket.close()


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("MULTI", "GET a", "MULTI"),
        ("GET a", "SELECT 1", "selects a database"),
        ("GET a", "CLUSTER SLOTS", "cluster"),
    ],
)
def test_what_cannot_be_held_is_said(client: Client, first: str, second: str, says: str) -> None:
    client.send(0, first)
    client.send(1, second)
    assert says in client.proxy.unsupported


def test_tls_is_refused_in_words(client: Client) -> None:
    client.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    with pytest.raises(TargetError, match="TLS"):
        client.settle()
