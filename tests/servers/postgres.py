"""A PostgreSQL of one's own: started from nothing, thrown away afterwards.

Owns the search for the server's programs and the life of one server: its data and its socket lie in
a temporary folder, it listens on loopback only, lets anybody in, and never waits for a disk. It must
not know what the tables are for.

PostgreSQL refuses to run as root (its manual, section "The PostgreSQL User Account"), so as root it
is started as `postgres`, or as `nobody` where there is no such user.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

USER = "deadheat"
_READY = "ready to accept connections"
_TAKEN = "Address already in use"
_PORTS = 5
"""How many ports to try: between choosing one and listening on it, somebody else may take it."""
_GRACE = 10.0
"""Seconds for a shutdown that says goodbye to its clients; then they are dropped."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "lc_messages": "C",  # two of its messages are read here
}


class PostgresMissingError(Exception):
    """The server's programs are not on this machine: install the package `postgresql`."""


class Postgres(msgspec.Struct, frozen=True):
    """A running server. `folder` holds its Unix socket; `programs` is where psql lies."""

    port: int
    pid: int
    folder: Path
    programs: Path

    def url(self, database: str = "postgres") -> str:
        """What applications want in DATABASE_URL."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """Create an empty database (letters, digits, `_`); gives its URL."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements; gives what psql prints, one row a line, `|` between columns.

        Raises:
            subprocess.CalledProcessError: the server refused; `stderr` says why.
        """
        done = subprocess.run(
            [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def programs() -> Path:
    """The folder with initdb and postgres: the newest that Debian has, else what PATH leads to.

    Raises:
        PostgresMissingError: there is none.
    """
    versions = [found.parent for found in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise PostgresMissingError(
        "no initdb, neither in /usr/lib/postgresql nor on PATH: apt-get install postgresql"
    )


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server, give it, and end it with all that it stored.

    Raises:
        PostgresMissingError: there is no server to start.
        RuntimeError: it did not start; the message holds its log.
    """
    binaries = programs()
    with tempfile.TemporaryDirectory(prefix="deadheat-pg-") as name:
        folder = Path(name)
        user = _user()
        if user is not None:
            shutil.chown(folder, user)
        _initdb(binaries, folder / "data", user)
        child, port = _start(binaries, folder, user)
        try:
            yield Postgres(port, child.pid, folder, binaries)
        finally:
            _stop(child)


def _user() -> str | None:
    """Whom to run it as; None for oneself."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _initdb(binaries: Path, data: Path, user: str | None) -> None:
    done = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        user=user,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}")


def _start(binaries: Path, folder: Path, user: str | None) -> tuple[subprocess.Popen[str], int]:
    log = ""
    for _ in range(_PORTS):
        port = _free_port()
        settings = _SETTINGS | {"port": str(port), "unix_socket_directories": str(folder)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        child = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *options],
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        ready, log = _await_ready(child.stderr)
        if ready:
            # Nobody reads the log any more, and a full pipe would stop the server.
            threading.Thread(target=_drain, args=(child.stderr,), daemon=True).start()
            return child, port
        child.wait()
        if _TAKEN not in log:
            break
    raise RuntimeError(f"PostgreSQL did not start:\n{log}")


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


def _stop(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGINT)  # "fast": open transactions are rolled back, clients dropped
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGQUIT)  # "immediate": the data is thrown away anyway
        child.wait()
