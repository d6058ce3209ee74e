"""A connection of our own to Redis, to ask which of its clients waits for something to be pushed.

Owns where a Redis is, one socket and the login on it. It must not know what the answers are for.
"""

import re
import socket
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from deadheat.model import TargetError
from deadheat.wire.redis import Frame, ProtocolError, Replies, command

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORT = 6379
_FLAGS = re.compile(rb"\baddr=\S*:(\d+) .*?\bflags=(\w+)")


class Server(Struct, frozen=True):
    """Where a Redis is, as REDIS_URL says it."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, url: str) -> "Server":
        """Read `redis://user:password@host:port/number`.

        Raises:
            TargetError: another kind of URL, a server on another machine, or TLS is demanded.
        """
        parts = urlsplit(url)
        if parts.scheme == "rediss":
            raise TargetError("REDIS_URL demands TLS, which the proxy does not speak: let it be redis://")
        if parts.scheme != "redis" or not parts.hostname:
            raise TargetError("REDIS_URL is to be redis://HOST:PORT: that is what the proxy stands before")
        if parts.hostname not in _LOOPBACK:
            raise TargetError(
                f"the Redis is on {parts.hostname}; commands are held before one on this machine only"
            )
        return cls(
            parts.hostname, parts.port or _PORT, unquote(parts.username or ""), unquote(parts.password or "")
        )


def through(url: str, port: int) -> str:
    """Give the same Redis behind a proxy on `port` of loopback."""
    parts = urlsplit(url)
    who, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who}{at}127.0.0.1:{port}").geturl()


class Admin:
    """One session that asks questions.

    Raises (from every method):
        TargetError: the server cannot be reached, refuses the login, is a cluster, or closes.
    """

    def __init__(self, server: Server, timeout: float = 10.0) -> None:
        """Connect and log in; `timeout` in seconds bounds every wait."""
        self._where = f"{server.host}:{server.port}"
        self._replies = Replies()
        try:
            self._socket = socket.create_connection((server.host, server.port), timeout)
        except OSError as error:
            raise TargetError(f"the Redis at {self._where} cannot be reached: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if server.password:
                self.ask("AUTH", *([server.user] if server.user else []), server.password)
            self.ask("CLIENT", "SETNAME", "deadheat")
            if b"cluster_enabled:1" in (self.ask("INFO", "cluster").text or b""):
                raise TargetError(
                    f"the Redis at {self._where} is part of a cluster: commands are held before a single"
                    " server; start one without cluster-enabled"
                )
        except TargetError:
            self._socket.close()
            raise

    def ask(self, *words: str) -> Frame:
        """Send one command; give its reply."""
        try:
            self._socket.sendall(command(*words))
            while True:
                data = self._socket.recv(65536)
                if not data:
                    raise TargetError(f"the Redis at {self._where} closed the connection")
                for received in self._replies.feed(data):
                    if received.frame.is_error:
                        said = (received.frame.text or b"").decode("utf-8", "replace")
                        raise TargetError(f"the Redis at {self._where} refuses {words[0]}: {said}")
                    return received.frame
        except (OSError, ProtocolError) as error:
            raise TargetError(f"the Redis at {self._where} does not answer: {error}") from error

    def blocked(self) -> frozenset[int]:
        """Give the ports of the clients that wait in a blocking command."""
        lines = (self.ask("CLIENT", "LIST").text or b"").splitlines()
        flags = (found.groups() for line in lines if (found := _FLAGS.search(line)))
        return frozenset(int(port) for port, letters in flags if b"b" in letters)

    def close(self) -> None:
        """Log out."""
        self._socket.close()
