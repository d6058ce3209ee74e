"""An application whose handlers are lists of SQL: `python pg_scripts.py JSON`, started as a process.

Owns nothing but the loop: `POST /do/N` runs script N over one connection of its pool and answers what
was read, or 500 after a ROLLBACK; a script that begins with `retry` begins anew after a serialization
failure or a deadlock. `if SELECT …` ends the script with 409 and a ROLLBACK where it is not true.
`POST /reset` and `GET /` are the scripts `reset` and `look`, and `tables` is run at the start.
"""

import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deadheat.io.pg_admin import Admin, Database
from deadheat.model import TargetError

URL = os.environ.get("DATABASE_URL", "")
_AGAIN = ("could not serialize", "deadlock detected")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripts: dict[str, list[str]]) -> None:
        super().__init__(("127.0.0.1", int(os.environ["PORT"])), Handler)
        self.scripts = scripts
        self.idle: list[Admin] = []
        self.lock = threading.Lock()

    def take(self) -> Admin:
        with self.lock:
            if self.idle:
                return self.idle.pop()
        return Admin(Database.of(URL))

    def give(self, connection: Admin) -> None:
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

    def steps(self, connection: Admin, script: list[str]) -> tuple[int, str]:
        read = []
        for sql in script:
            rows = connection.rows(sql.removeprefix("if "))
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
