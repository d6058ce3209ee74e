"""A small server whose handler is a function: for attacks without Rocket, in this process, on loopback.

Each request runs in a thread of its own, so handlers race. `Gate` makes them race for certain: both
are past the check before either acts.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import Struct


class Asked(Struct, frozen=True):
    """A request as the handler sees it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str


Answer = tuple[int, str] | tuple[int, str, dict[str, str]]
Handler = Callable[[Asked], Answer]


class Server:
    """What came in, and where it listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """As --url takes it."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """Serve until the end of the block."""

    class Speaker(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            asked = Asked(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(size).decode("utf-8", "replace"),
            )
            server.asked.append(asked)
            status, text, *rest = handler(asked)
            extra: dict[str, str] = rest[0] if rest else {}
            data = text.encode()
            # One write: Nagle and delayed acknowledgements would cost 40 ms an answer.
            lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(data)}"]
            lines += [f"{name}: {value}" for name, value in extra.items()]
            self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is no news."""

    with Quiet(("127.0.0.1", 0), Speaker) as listener:
        server = Server(listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


class Coupon:
    """A coupon: looked at, then used. `fixed` makes it one step; `meet` is where two requests meet."""

    def __init__(self, *, fixed: bool = False) -> None:
        self.fixed = fixed
        self.used = False
        self.paid = 0
        self._lock = threading.Lock()
        self._meet = threading.Barrier(2)

    def __call__(self, asked: Asked) -> Answer:
        if asked.target == "/reset":
            self.used, self.paid = False, 0
            return 200, "reset"
        if asked.target == "/paid":
            return 200, str(self.paid)
        if not asked.target.startswith("/redeem"):
            return 404, "no such thing"
        if self.fixed:
            with self._lock:
                return self._redeem(used=self.used)
        used = self.used
        try:
            # Alone nobody comes; at once both are past the check here.
            self._meet.wait(0.02)
        except threading.BrokenBarrierError:
            self._meet.reset()
        with self._lock:
            return self._redeem(used=used)

    def _redeem(self, *, used: bool) -> Answer:
        if used:
            return 409, "already used"
        self.used = True
        self.paid += 10
        return 200, "paid 10"
