"""The proxy as a client meets it, before a real PostgreSQL: openings, cancelling, copying, chatter."""

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from deadheat.io.pg_admin import Database
from deadheat.io.pg_proxy import Proxy
from deadheat.model import TargetError
from deadheat.wire import postgres as wire
from deadheat.wire.postgres import Framer, Message
from tests.servers.postgres import Postgres, postgres

pytestmark = pytest.mark.rocket

WAIT = 10.0  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        running.sql("CREATE TABLE items (id int PRIMARY KEY, n int)")
        yield running


@contextmanager
def proxied(server: Postgres) -> Iterator[Proxy]:
    """A proxy that somebody pumps."""
    proxy = Proxy(Database.of(server.url()))
    try:
        yield proxy
    finally:
        proxy.close()
        while Client.all:
            Client.all.pop().socket.close()


class Client:
    """A connection through the proxy, which is pumped whenever something is awaited."""

    all: ClassVar[list["Client"]] = []

    def __init__(self, proxy: Proxy) -> None:
        self.all.append(self)
        self.proxy = proxy
        self.socket = socket.create_connection(("127.0.0.1", proxy.port), WAIT)
        self.socket.setblocking(False)
        self.framer = Framer()
        self.key = b""

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(message.raw for message in messages))

    def bytes(self) -> bytes:
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            self.proxy.pump(0.005)
            try:
                return self.socket.recv(65536)
            except BlockingIOError:
                pass
        raise AssertionError("nothing came")

    def until(self, kind: str) -> list[Message]:
        found: list[Message] = []
        while not found or found[-1].kind != kind:
            found += self.framer.feed(self.bytes())
        return found

    def log_in(self) -> "Client":
        self.send(wire.startup({"user": "deadheat", "database": "postgres"}))
        (self.key,) = [message.body for message in self.until("Z") if message.kind == "K"]
        return self

    def query(self, sql: str) -> list[Message]:
        self.send(wire.query(sql))
        return self.until("Z")


def until(proxy: Proxy, true: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end
        proxy.pump(0.005)


def test_encryption_is_declined_and_the_same_connection_goes_on(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy)
        for code in (wire.GSSENC_REQUEST, wire.SSL_REQUEST):
            client.send(Message("", struct.pack("!i", code)))
            assert client.bytes() == b"N"
        client.log_in()
        assert proxy.unsupported == ""


def test_who_leaves_because_there_is_no_encryption_insisted_on_it(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy)
        client.send(Message("", struct.pack("!i", wire.SSL_REQUEST)))
        assert client.bytes() == b"N"
        client.socket.close()
        until(proxy, lambda: not proxy.links)
        assert "insists on TLS" in proxy.unsupported
        Client(proxy).log_in()  # it did not, after all
        assert proxy.unsupported == ""


@pytest.mark.parametrize(("mode", "goes"), [("require", True), ("prefer", True), ("verify-full", False)])
def test_tls_is_spoken_with_who_insists(server: Postgres, mode: str, goes: bool) -> None:
    big = "x" * 100_000
    with proxied(server) as proxy:
        proxy.encrypts = True
        where = f"host=localhost port={proxy.port} user=deadheat dbname=postgres sslmode={mode}"
        asked = "SELECT ssl, repeat('x', 100000) FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        command: list[str | Path] = [server.programs / "psql", "-XAtc", f"{asked} -- {big}", where]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with ThreadPoolExecutor(1) as waiting:
            said = waiting.submit(child.communicate)
            until(proxy, said.done)
        out, error = said.result()
        if goes:
            assert (out.strip(), proxy.unsupported) == (f"f|{big}", ""), error
        else:
            assert "verify-full" in proxy.unsupported


def test_a_query_is_cancelled_through_the_proxy(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        client.send(wire.query("SELECT pg_sleep(60)"))
        until(proxy, lambda: any(link.session.in_flight for link in proxy.links))
        other = Client(proxy)
        other.send(Message("", struct.pack("!i", wire.CANCEL_REQUEST) + client.key))
        (error,) = [message for message in client.until("Z") if message.kind == "E"]
        assert wire.read_error(error)["C"] == "57014"


@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_a_copy_is_one_step_however_it_is_cut(server: Postgres, pieces: int) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        client.query("DELETE FROM items")
        proxy.gate = True
        client.send(wire.query("COPY items FROM STDIN"))
        until(proxy, lambda: any(link.holds for link in proxy.links))
        (link,) = proxy.links
        proxy.grant(link)
        client.until("G")
        data = b"".join(Message("d", b"%d\t1\n" % number).raw for number in range(50))
        data += Message("c", b"").raw
        for start in range(0, len(data), pieces):
            client.socket.sendall(data[start : start + pieces])
            proxy.pump(0)
        client.until("Z")
        assert not link.busy
        proxy.gate = False
        (row,) = [message for message in client.query("SELECT count(*) FROM items") if message.kind == "D"]
        assert wire.read_row(row) == ("50",)
        copied = [m.body for m in client.query("COPY items TO STDOUT") if m.kind == "d"]
        assert len(copied) == 50


def test_notices_and_notifications_pass(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        client.query("LISTEN news")
        proxy.gate = True
        client.send(wire.query("DO $$ BEGIN RAISE NOTICE 'hear'; END $$"))
        until(proxy, lambda: any(link.holds for link in proxy.links))
        proxy.grant(proxy.links[0])
        assert "N" in {message.kind for message in client.until("Z")}
        server.sql("NOTIFY news, 'today'")
        assert client.until("A")[-1].body.endswith(b"news\0today\0")
        assert not proxy.links[0].busy


def test_what_the_idle_application_says_is_learned_and_passes(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        proxy.habits.learning = True
        client.query("BEGIN")
        client.query("UPDATE items SET n = 0 WHERE id = 1")
        client.query("COMMIT")
        proxy.habits.learning = False
        proxy.gate = True
        assert proxy.habits.background == {"UPDATE items SET n = 0 WHERE id = 1"}
        client.query("BEGIN")
        client.query("UPDATE items SET n = 0 WHERE id = 1")
        client.query("COMMIT")
        assert proxy.habits.steps == 4
        client.query("BEGIN")
        client.send(wire.query("UPDATE items SET n = 0 WHERE id = 2"))
        until(proxy, lambda: any(link.holds for link in proxy.links))


def test_a_connection_that_the_server_closes_is_told(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        client.send(Message("X", b""))
        until(proxy, lambda: not proxy.links)  # this one the client gave up
        client = Client(proxy).log_in()
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        with pytest.raises(TargetError, match="closed a connection: terminating connection due to admin"):
            until(proxy, lambda: not proxy.links)
        assert not proxy.links


def test_a_client_that_sends_byte_by_byte(server: Postgres) -> None:
    with proxied(server) as proxy:
        client = Client(proxy).log_in()
        stop = threading.Event()

        def trickle() -> None:
            raw = wire.query("SELECT 1").raw + wire.query("SELECT 2").raw
            for at in range(len(raw)):
                client.socket.sendall(raw[at : at + 1])
            stop.set()

        thread = threading.Thread(target=trickle)
        thread.start()
        found = client.until("Z")
        while sum(message.kind == "Z" for message in found) < 2:
            found += client.until("Z")
        thread.join()
        assert [wire.read_row(m) for m in found if m.kind == "D"] == [("1",), ("2",)]
