"""A shop over PostgreSQL in plain Python, started as a process: `python pg_shop.py MODE`.

Owns the ways of selling the last lamp that the lab does not have on Rocket: inside transactions, with
row locks, at SERIALIZABLE, with locks in two orders, with a pool of one connection, while something
else goes on in the background, and with a task that is left behind.
"""

import os
import queue
import socket
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deadheat.io.pg_admin import Admin, Database
from deadheat.model import TargetError
from deadheat.wire import postgres

URL = os.environ.get("DATABASE_URL", "")
MODE = sys.argv[1] if len(sys.argv) > 1 else ""
POOL = 1 if MODE == "pool-of-one" else 8

SELECT = "SELECT stock FROM items WHERE name = 'lamp'"
UPDATE = "UPDATE items SET stock = stock - 1 WHERE name = 'lamp'"
BEGIN = {
    "autocommit": "",
    "pool-of-one": "",
    "chatty": "",
    "detached": "",
    "encrypting": "",
    "transaction": "BEGIN",
    "for-update": "BEGIN",
    "serializable": "BEGIN ISOLATION LEVEL SERIALIZABLE",
}


class Pool:
    """At most POOL connections; whoever finds none waits."""

    def __init__(self) -> None:
        self.idle: queue.LifoQueue[Admin] = queue.LifoQueue()
        self.left = threading.Semaphore(POOL)

    def take(self) -> Admin:
        self.left.acquire()
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return Admin(Database.of(URL))

    def give(self, connection: Admin) -> None:
        self.idle.put(connection)
        self.left.release()


def buy(connection: Admin) -> tuple[int, str]:
    begin = BEGIN[MODE]
    if begin:
        connection.rows(begin)
    (row,) = connection.rows(SELECT + (" FOR UPDATE" if MODE == "for-update" else ""))
    sold = int(row[0] or 0) > 0
    if sold:
        connection.rows(UPDATE)
    if begin:
        connection.rows("COMMIT")
    return (200, "sold") if sold else (409, "none left")


def touch(connection: Admin, first: str, second: str) -> tuple[int, str]:
    connection.rows("BEGIN")
    for name in (first, second):
        connection.rows(f"UPDATE items SET stock = stock + 1 WHERE name = '{name}'")  # noqa: S608
    connection.rows("COMMIT")
    return 200, "touched"


def encrypting(address: tuple[str, int], timeout: float) -> socket.socket:
    """Connect by TLS or not at all, whoever the other side is."""
    plain = _connect(address, timeout)
    plain.sendall(struct.pack("!ii", 8, postgres.SSL_REQUEST))
    if plain.recv(1) != b"S":
        plain.close()
        raise OSError("the server does not speak TLS")
    return _CONTEXT.wrap_socket(plain)


_connect = socket.create_connection
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname = False
_CONTEXT.verify_mode = ssl.CERT_REQUIRED if MODE == "verifying" else ssl.CERT_NONE


def chatter() -> None:
    own = Admin(Database.of(URL))
    while not threading.Event().wait(0.05):
        own.rows("UPDATE visits SET n = n + 1")


def afterwards(pool: Pool) -> None:
    connection = pool.take()
    connection.rows("UPDATE visits SET n = n + 1")
    pool.give(connection)


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    pool = Pool()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        connection = self.pool.take()
        try:
            status, text = self._answer(connection)
        except TargetError:
            connection.rows("ROLLBACK")
            status, text = 500, "failed"
        finally:
            self.pool.give(connection)
        self.send_response_only(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()
        if MODE == "detached" and self.path == "/buy":
            threading.Thread(target=afterwards, args=(self.pool,), daemon=True).start()

    def _answer(self, connection: Admin) -> tuple[int, str]:
        match self.path.strip("/").split("/"):
            case ["buy"]:
                return buy(connection)
            case ["touch", first, second]:
                return touch(connection, first, second)
            case ["reset"]:
                connection.rows("DELETE FROM items; INSERT INTO items VALUES ('lamp', 1), ('chair', 1)")
                return 200, "reset"
            case _:
                rows = connection.rows("SELECT name, stock FROM items ORDER BY name")
                return 200, " ".join(f"{name}={stock}" for name, stock in rows)

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()


class Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> None:
    if MODE in {"encrypting", "verifying"}:
        socket.create_connection = encrypting  # type: ignore[assignment]
    first = Admin(Database.of(URL))
    first.rows("DROP TABLE IF EXISTS items; CREATE TABLE items (name text PRIMARY KEY, stock int)")
    first.rows("DROP TABLE IF EXISTS visits; CREATE TABLE visits (n int)")
    if MODE == "chatty":
        threading.Thread(target=chatter, daemon=True).start()
    if MODE == "trigger":
        first.rows("CREATE FUNCTION noted() RETURNS trigger AS 'BEGIN RETURN NEW; END' LANGUAGE plpgsql")
        first.rows("CREATE TRIGGER noted BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION noted()")
    first.close()
    Server(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()


if __name__ == "__main__":
    main()
