"""A small controller: one probed application, its socket, and requests as text."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote

ENVIRONMENT = {
    "ROCKET_ADDRESS": "127.0.0.1",
    "ROCKET_PORT": "0",
    "ROCKET_WORKERS": "16",
    "ROCKET_LOG_LEVEL": "off",
    "ROCKET_CLI_COLORS": "false",
}


class Step(NamedTuple):
    actor: int
    point: int
    place: int
    enabled: int
    before: str
    after: str


class Trace(NamedTuple):
    end: str
    steps: tuple[Step, ...]
    pending: str
    answers: tuple[tuple[int, str], ...]

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(step.actor for step in self.steps)


class Application:
    """The application at `binary`, as long as the context lasts."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary
        self._connections: list[socket.socket] = []
        self._run = 0

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="dh")
        path = str(Path(self._folder.name, "s"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(20)
            self.process = subprocess.Popen(
                [self._binary],
                env={**os.environ, **ENVIRONMENT, "DEADHEAT_SOCKET": path},
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._socket, _ = listener.accept()
        self._socket.settimeout(20)
        self._lines = self._socket.makefile("rb")
        hello, version, pid, *knows = self.line().split()
        assert (hello, version, int(pid), knows) == ("HELLO", "1", self.process.pid, ["laps"])
        ready, port, *_ = self.line().split()  # and the routes, as they are mounted
        assert ready == "READY"
        self.port = int(port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        self._lines.close()
        self._socket.close()
        # The runtime ends its process when the socket closes; a failing test must not leave one behind.
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self._folder.cleanup()

    def line(self) -> str:
        line = self._lines.readline().decode()
        assert line.endswith("\n"), "the application closed the socket"
        return line[:-1]

    def say(self, text: str) -> None:
        self._socket.sendall(f"{text}\n".encode())

    def ask(self, text: str) -> str:
        self.say(text)
        return self.line()

    def connection(self, number: int) -> socket.socket:
        while len(self._connections) <= number:
            made = socket.create_connection(("127.0.0.1", self.port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(20)
            self._connections.append(made)
        return self._connections[number]

    def send(self, number: int, request: str, actor: str | None = None) -> None:
        header = f"x-deadheat-actor: {actor}\r\n" if actor else ""
        length = "content-length: 0\r\n" if request.startswith("POST") else ""
        text = f"{request} HTTP/1.1\r\nhost: localhost\r\n{header}{length}\r\n"
        self.connection(number).sendall(text.encode())

    def receive(self, number: int) -> tuple[int, str]:
        connection = self.connection(number)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(1 << 16)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        (length,) = [int(line.split(":")[1]) for line in lines if line.startswith("content-length:")]
        while len(body) < length:
            body += connection.recv(1 << 16)
        return int(lines[0].split()[1]), body.decode()

    def plain(self, request: str) -> tuple[int, str]:
        self.send(0, request)
        return self.receive(0)

    def explore(
        self, requests: Sequence[str], prefix: Sequence[int] = (), asleep: Sequence[int] = ()
    ) -> Trace:
        self._run += 1
        self.say(f"RUN {self._run} {len(requests)} {numbers(prefix)} {numbers(asleep)}")
        for number, request in enumerate(requests):
            self.send(number, request, f"{self._run}.{number}")
        word, run, end, steps, pending, _ = self.line().split(" ")
        assert (word, run) == ("TRACE", str(self._run))
        ended = end not in {"stuck", "hung"}
        answers = tuple(self.receive(number) for number in range(len(requests))) if ended else ()
        return Trace(end, tuple(map(step, records(steps))), pending, answers)

    def all_orders(self, requests: Sequence[str]) -> Iterator[Trace]:
        """Every order, by following the enabled sets; the first state is restored in between."""
        waiting: list[tuple[int, ...]] = [()]
        while waiting:
            prefix = waiting.pop()
            trace = self.explore(requests, prefix)
            assert trace.order[: len(prefix)] == prefix
            for at in range(len(prefix), len(trace.steps)):
                taken = trace.steps[at]
                others = [n for n in range(len(requests)) if taken.enabled >> n & 1 and n != taken.actor]
                waiting += [(*trace.order[:at], other) for other in others]
            yield trace
            if trace.end == "done":
                assert self.ask("RESTORE") == "OK"


def numbers(values: Sequence[int]) -> str:
    return ",".join(map(str, values)) or "-"


def records(text: str) -> list[str]:
    return [] if text == "-" else text.split(",")


def step(record: str) -> Step:
    actor, point, place, enabled, before, after = record.split(":")
    return Step(int(actor), int(point), int(place), int(enabled), unquote(before), unquote(after))
