"""A Redis of one's own: started from nothing, thrown away afterwards.

Owns the life of one server: it lies in a temporary folder, listens on loopback only, and writes nothing
to a disk. It must not know what the keys are for.
"""

import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from deadheat.io.redis_admin import Admin, Server

_READY = "Ready to accept connections"
_TAKEN = "Address already in use"
_PORTS = 5
"""How many ports to try: between choosing one and listening on it, somebody else may take it."""
_GRACE = 10.0


class RedisMissingError(Exception):
    """The server is not on this machine: install the package `redis-server`."""


class Redis(msgspec.Struct, frozen=True):
    """A running server."""

    port: int
    pid: int
    folder: Path
    password: str = ""

    @property
    def url(self) -> str:
        """What applications want in REDIS_URL."""
        who = f":{self.password}@" if self.password else ""
        return f"redis://{who}127.0.0.1:{self.port}"

    def ask(self, *words: str) -> str:
        """Send one command; gives what a plain reply says."""
        admin = Admin(Server("127.0.0.1", self.port, "", self.password))
        try:
            return (admin.ask(*words).text or b"").decode()
        finally:
            admin.close()

    def clients(self) -> int:
        """How many connections there are beside the one that asks."""
        return len(self.ask("CLIENT", "LIST").splitlines()) - 1


@contextmanager
def redis(*options: str) -> Iterator[Redis]:
    """Start a server with `options` (`--name value …`), give it, and end it.

    Raises:
        RedisMissingError: there is no server to start.
        RuntimeError: it did not start; the message holds its log.
    """
    if shutil.which("redis-server") is None:
        raise RedisMissingError("no redis-server on PATH: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="deadheat-redis-") as folder:
        child, port = _start(Path(folder), options)
        password = options[options.index("--requirepass") + 1] if "--requirepass" in options else ""
        try:
            yield Redis(port, child.pid, Path(folder), password)
        finally:
            stop(child)


def _start(folder: Path, options: tuple[str, ...]) -> tuple[subprocess.Popen[str], int]:
    log = ""
    for _ in range(_PORTS):
        port = _free_port()
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        words += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "", *options]
        if "--cluster-enabled" in options:  # else its second port is the first plus 10,000
            words += ["--cluster-port", str(_free_port())]
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert child.stdout is not None
        ready, log = _await_ready(child.stdout)
        if ready:
            # Nobody reads the log any more, and a full pipe would stop the server.
            threading.Thread(target=_drain, args=(child.stdout,), daemon=True).start()
            return child, port
        child.wait()
        child.stdout.close()
        if _TAKEN not in log:
            break
    raise RuntimeError(f"Redis did not start:\n{log}")


def _await_ready(log: IO[str]) -> tuple[bool, str]:
    """Whether it got ready, and all it said until then (or until it ended)."""
    said = []
    for line in log:
        said.append(line)
        if _READY in line:
            return True, "".join(said)
    return False, "".join(said)


def _drain(log: IO[str]) -> None:
    with log:
        for _ in log:
            pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop(child: subprocess.Popen[str]) -> None:
    """End it."""
    child.terminate()
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
