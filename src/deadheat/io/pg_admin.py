"""A connection of our own to the database, to ask who waits for whom.

Owns one socket and the login on it: none (`trust`), a clear password, or SCRAM-SHA-256 (RFC 5802,
RFC 7677; PostgreSQL documentation, "SASL Authentication"). It must not know what the answers are for.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from deadheat.model import TargetError
from deadheat.wire import postgres
from deadheat.wire.postgres import Framer, Message

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SCRAM = b"SCRAM-SHA-256"
_PORT = 5432
DETECTS = "deadlock_timeout=1ms"
"""Has the server look for a deadlock as soon as somebody waits; not every role may change that."""
_PREFERRED = "sslmode=prefer"  # goes on without


class Database(Struct, frozen=True):
    """Where a database is, as DATABASE_URL says it."""

    host: str
    port: int
    user: str
    password: str
    name: str

    @classmethod
    def of(cls, url: str) -> "Database":
        """Read `postgres://user:password@host:port/name`.

        Raises:
            TargetError: another kind of URL, or a server on another machine.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname or not parts.username:
            raise TargetError(
                "DATABASE_URL is to be postgres://USER@HOST:PORT/NAME: that is what the proxy stands before"
            )
        if parts.hostname not in _LOOPBACK:
            raise TargetError(
                f"the database is on {parts.hostname}; statements are held before one on this machine only"
            )
        name = parts.path.lstrip("/") or parts.username
        password = unquote(parts.password or "")
        return cls(parts.hostname, parts.port or _PORT, unquote(parts.username), password, unquote(name))


def through(url: str, port: int) -> str:
    """Give the same database behind a proxy on `port` of loopback, without TLS, which it does not speak."""
    parts = urlsplit(url)
    who, _, _ = parts.netloc.rpartition("@")
    kept = [pair for pair in parts.query.split("&") if not pair.startswith("ssl") or pair == _PREFERRED]
    return parts._replace(netloc=f"{who}@127.0.0.1:{port}", query="&".join(kept)).geturl()


class Admin:
    """One session that asks questions.

    Raises (from every method):
        TargetError: the server cannot be reached, refuses the login or the question.
    """

    def __init__(self, database: Database, timeout: float = 10.0) -> None:
        """Connect and log in; `timeout` in seconds bounds every wait."""
        self._database = database
        self._framer = Framer()
        self._waiting: list[Message] = []
        try:
            self._socket = socket.create_connection((database.host, database.port), timeout)
        except OSError as error:
            raise TargetError(
                f"the database at {database.host}:{database.port} cannot be reached: {error}"
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._say(
                postgres.startup(
                    {"user": database.user, "database": database.name, "application_name": "deadheat"}
                )
            )
            self._log_in()
        except TargetError:
            self._socket.close()
            raise

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        """Ask one question; give its rows as text."""
        self._say(postgres.query(sql))
        return self._until_ready()

    def may_set(self, setting: str) -> bool:
        """Whether the role may change a setting of its session: `name=value`."""
        name, _, value = setting.partition("=")
        try:
            self.rows(f"SET {name} TO '{value}'")
        except TargetError:
            return False
        return True

    def blockers(self, pid: int) -> frozenset[int]:
        """Give the backends that `pid` waits for (pg_blocking_pids), none when it does not wait."""
        rows = self.rows(f"SELECT unnest(pg_blocking_pids({int(pid)}))")
        return frozenset(int(row[0]) for row in rows if row[0])

    def close(self) -> None:
        """Log out."""
        try:
            self._say(Message("X", b""))
        except TargetError:
            pass  # the server is gone: so is the session
        self._socket.close()

    def _until_ready(self) -> list[tuple[str | None, ...]]:
        rows: list[tuple[str | None, ...]] = []
        failed = ""
        while (message := self._next()).kind != "Z":
            if message.kind == "D":
                rows.append(postgres.read_row(message))
            elif message.kind == "E":
                failed = postgres.read_error(message).get("M", "an error")
        if failed:
            raise TargetError(f"the database refused a question about its locks: {failed}")
        return rows

    def _log_in(self) -> None:
        while True:
            message = self._next()
            if message.kind == "E":
                raise TargetError(
                    f"the database refused the login: {postgres.read_error(message).get('M', '')}"
                )
            if message.kind != "R":
                continue
            (code,) = struct.unpack_from("!i", message.body)
            if code == 0:
                self._until_ready()
                return
            if code == 3:
                self._say(Message("p", self._database.password.encode() + b"\0"))
            elif code == 10 and _SCRAM in message.body[4:].split(b"\0"):
                self._scram()
            else:
                raise TargetError(
                    "the database asks for a login other than trust, password or scram-sha-256: change"
                    " the user's line in pg_hba.conf"
                )

    def _scram(self) -> None:
        """Prove to know the password without telling it: RFC 5802, section 3."""
        nonce = secrets.token_urlsafe(18)
        bare = f"n=,r={nonce}"
        first = f"n,,{bare}".encode()
        self._say(Message("p", _SCRAM + b"\0" + struct.pack("!i", len(first)) + first))
        challenge = self._sasl(11)
        given = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._database.password.encode(), base64.b64decode(given["s"]), int(given["i"])
        )
        key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c=biws,r={given['r']}"
        signature = hmac.digest(
            hashlib.sha256(key).digest(), f"{bare},{challenge},{final}".encode(), "sha256"
        )
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        self._say(Message("p", f"{final},p={base64.b64encode(proof).decode()}".encode()))
        self._sasl(12)

    def _sasl(self, code: int) -> str:
        message = self._next()
        if message.kind == "E":
            raise TargetError(f"the database refused the login: {postgres.read_error(message).get('M', '')}")
        if message.kind != "R" or struct.unpack_from("!i", message.body)[0] != code:
            raise TargetError("the database broke off the login")
        return message.body[4:].decode()

    def _say(self, message: Message) -> None:
        try:
            self._socket.sendall(message.raw)
        except OSError as error:
            raise TargetError(f"the connection to the database broke: {error}") from error

    def _next(self) -> Message:
        while not self._waiting:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise TargetError(f"the connection to the database broke: {error}") from error
            if not data:
                raise TargetError("the database closed the connection")
            self._waiting += self._framer.feed(data)
        return self._waiting.pop(0)
