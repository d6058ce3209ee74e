"""A shop over Redis in plain Python, started as a process: `python redis_shop.py MODE [shared]`.

Owns the ways of counting and selling that the lab does not have on Rocket: transactions that watch,
scripts, pipelines, blocking pops; over a connection a request, or over one that all requests share, as
multiplexed clients do.
"""

import os
import queue
import socket
import sys
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deadheat.wire.redis import Frame, Replies, command

HOST, _, PORT = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379").removeprefix("redis://").rpartition(":")
MODE = sys.argv[1] if len(sys.argv) > 1 else ""
SHARED = "shared" in sys.argv
SELL = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < 1 then return 0 end
redis.call('DECR', KEYS[1])
return 1
"""


class Client:
    """One connection that any number of threads may use at once: replies go to whoever asked first."""

    def __init__(self) -> None:
        self._socket = socket.create_connection((HOST, int(PORT)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = Replies()
        self._waiting: deque[queue.SimpleQueue[Frame]] = deque()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def all(self, *commands: tuple[str, ...]) -> list[Frame]:
        """Send commands in one go; give their replies."""
        mailbox: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        with self._lock:
            self._waiting.extend(mailbox for _ in commands)
            self._socket.sendall(b"".join(command(*one) for one in commands))
        return [mailbox.get() for _ in commands]

    def one(self, *words: str) -> Frame:
        (reply,) = self.all(words)
        return reply

    def number(self, *words: str) -> int:
        return int(self.one(*words).text or b"0")

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            for received in self._replies.feed(data):
                self._waiting.popleft().put(received.frame)


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    shared = Client() if SHARED else None
    idle: queue.LifoQueue[Client] = queue.LifoQueue()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        client = self.shared or self._take()
        status, text = self._answer(client)
        if client is not self.shared:
            self.idle.put(client)
        self.send_response_only(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def _take(self) -> Client:
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return Client()

    def _answer(self, client: Client) -> tuple[int, str]:
        match self.path.strip("/").split("/"):
            case ["buy", *rest]:
                sold = getattr(self, f"_{MODE.replace('-', '_')}")(client, *rest)
                return (200, "sold") if sold else (409, "none left")
            case ["hello"]:
                return 200, "hello"
            case ["push"]:
                client.one("LPUSH", "queue", "x")
                return 200, "pushed"
            case ["reset"]:
                client.all(
                    ("DEL", "lamp", "chair", "sold", "queue"), ("SET", "lamp", "1"), ("SET", "chair", "1")
                )
                return 200, "reset"
            case _:
                texts = [f.text or b"-" for f in client.one("MGET", "lamp", "chair", "sold").items]
                return 200, b" ".join(texts).decode()

    def _get_set(self, client: Client, item: str = "lamp") -> bool:
        left = client.number("GET", item)
        if left > 0:
            client.one("SET", item, str(left - 1))
        return left > 0

    def _three(self, client: Client, item: str = "lamp") -> bool:
        sold = self._get_set(client, item)
        client.one("INCR", "sold")
        return sold

    def _watch(self, client: Client, item: str = "lamp") -> bool:
        while True:
            client.one("WATCH", item)
            left = client.number("GET", item)
            if left < 1:
                client.one("UNWATCH")
                return False
            client.one("MULTI")
            client.one("DECR", item)
            if client.one("EXEC").items:
                return True

    def _watch_in_one(self, client: Client, item: str = "lamp") -> bool:
        while True:
            client.one("WATCH", item)
            left = client.number("GET", item)
            if left < 1:
                client.one("UNWATCH")
                return False
            if client.all(("MULTI",), ("DECR", item), ("EXEC",))[-1].items:
                return True

    def _lua(self, client: Client, item: str = "lamp") -> bool:
        return client.number("EVAL", SELL, "1", item) == 1

    def _pipeline(self, client: Client, item: str = "lamp") -> bool:
        left, _ = client.all(("GET", item), ("DECR", item))
        return int(left.text or b"0") > 0

    def _transaction(self, client: Client, item: str = "lamp") -> bool:
        *_, done = client.all(("MULTI",), ("GET", item), ("DECR", item), ("EXEC",))
        return int(done.items[0].text or b"0") > 0

    def _pop(self, client: Client) -> bool:
        return bool(client.one("BLPOP", "queue", "0").items)

    def _pop_shortly(self, client: Client) -> bool:
        return bool(client.one("BLPOP", "queue", "0.2").items)

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()


class Server(ThreadingHTTPServer):
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
