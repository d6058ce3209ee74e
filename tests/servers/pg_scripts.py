"""An application whose handlers are lists of SQL: `python pg_scripts.py JSON`, started as a process.

Owns nothing but the loop: `POST /do/N` runs script N over one connection of its pool and answers what
was read, or 500 after a ROLLBACK; a script that begins with `retry` begins anew after a serialization
failure or a deadlock. One with `prepared` prepares each statement once on a connection, as sqlx does, and
one with `pipeline` sends a Flush after each statement, and a Sync only at its end. `if SELECT …` ends the
script with 409 and a ROLLBACK where it is not true. `POST /reset` and `GET /` are the scripts `reset` and
`look`, and `tables` is run at the start.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deadheat.io.pg_admin import Admin, Database
from deadheat.model import TargetError
from deadheat.wire import postgres
from deadheat.wire.postgres import Message

URL = os.environ.get("DATABASE_URL", "")
Ask = Callable[[str], list[tuple[str | None, ...]]]
_AGAIN = ("could not serialize", "deadlock detected")


SYNC, FLUSH = Message("S", b""), Message("H", b"")
EXECUTE = Message("E", b"\0" + bytes(4))
WAYS = ("prepared", "pipeline")


class Connection(Admin):
    """A session that speaks the extended protocol, too."""

    names: dict[str, str]

    def prepared(self, sql: str) -> list[tuple[str | None, ...]]:
        """Execute a statement that is prepared once."""
        if not hasattr(self, "names"):
            self.names = {}
        if sql not in self.names:
            self.names[sql] = name = f"s{len(self.names)}"
            self._say(self._parse(name, sql))
            self._say(Message("D", b"S" + name.encode() + b"\0"))
            self._say(SYNC)
            self._until_ready()
        self._say(postgres.bind_body("", self.names[sql], (), ()))
        self._say(EXECUTE)
        self._say(SYNC)
        return self._until_ready()

    def flushed(self, sql: str) -> list[tuple[str | None, ...]]:
        """Execute a statement without the end of its transaction."""
        for message in (self._parse("", sql), postgres.bind_body("", "", (), ()), EXECUTE, FLUSH):
            self._say(message)
        rows = []
        while (message := self._next()).kind != "C":
            if message.kind == "D":
                rows.append(postgres.read_row(message))
            elif message.kind == "E":
                self.synced()
                raise TargetError(postgres.read_error(message)["M"])
        return rows

    def synced(self) -> None:
        """End what was flushed."""
        self._say(SYNC)
        self._until_ready()

    @staticmethod
    def _parse(name: str, sql: str) -> Message:
        return Message("P", f"{name}\0{sql}\0".encode() + bytes(2))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripts: dict[str, list[str]]) -> None:
        super().__init__(("127.0.0.1", int(os.environ["PORT"])), Handler)
        self.scripts = scripts
        self.idle: list[Connection] = []
        self.lock = threading.Lock()

    def take(self) -> Connection:
        with self.lock:
            if self.idle:
                return self.idle.pop()
        return Connection(Database.of(URL))

    def give(self, connection: Connection) -> None:
        with self.lock:
            self.idle.append(connection)

    def run(self, script: list[str]) -> tuple[int, str]:
        again = script[:1] == ["retry"]
        connection = self.take()
        try:
            for _ in range(4):
                try:
                    return self.steps(connection, script[again:])
                except TargetError as error:
                    state = str(error)
                    connection.rows("ROLLBACK")
                    if not again or not any(code in state for code in _AGAIN):
                        break
            return 500, "failed"
        finally:
            self.give(connection)

    def steps(self, connection: Connection, script: list[str]) -> tuple[int, str]:
        way = script[0] if script[0] in WAYS else ""
        ask = {"prepared": connection.prepared, "pipeline": connection.flushed}.get(way, connection.rows)
        answer = self.asked(connection, script[bool(way) :], ask)
        if way == "pipeline":
            connection.synced()
        return answer

    def asked(self, connection: Connection, script: list[str], ask: Ask) -> tuple[int, str]:
        read = []
        for sql in script:
            rows = ask(sql.removeprefix("if "))
            if not sql.startswith("if "):
                read += ["|".join(map(str, row)) for row in rows]
            elif rows != [("t",)]:
                connection.rows("ROLLBACK")
                return 409, "no"
        return 200, " ".join(read)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    server: Server

    def do_GET(self) -> None:
        self._serve("look")

    def do_POST(self) -> None:
        self._serve(self.path.strip("/").rpartition("/")[2])

    def _serve(self, name: str) -> None:
        status, text = self.server.run(self.server.scripts[name])
        self.send_response_only(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()


def main() -> None:
    scripts = json.loads(sys.argv[1])
    first = Admin(Database.of(URL))
    for sql in scripts["tables"]:
        first.rows(sql)
    first.close()
    Server(scripts).serve_forever()


if __name__ == "__main__":
    main()
