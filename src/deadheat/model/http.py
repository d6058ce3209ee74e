"""Requests and responses, as values."""

from msgspec import Struct

MESSAGE = "WS"
"""The method of what is no HTTP request: a message over the WebSocket that is opened at its target."""


class Request(Struct, frozen=True):
    """One HTTP request: what is sent, and who sends it.

    `target` is the path with its query; `principal` names the identity (cookie jar, token)
    under which it goes out, None for an anonymous one. With the method `MESSAGE` it is a message
    over a WebSocket (RFC 6455): `headers` go with the opening handshake, `body` is the message.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    principal: str | None = None

    @property
    def message(self) -> bool:
        """Whether it is a message over a WebSocket."""
        return self.method == MESSAGE

    def __str__(self) -> str:
        """The request line without its version."""
        return f"{self.method} {self.target}"


class Response(Struct, frozen=True):
    """One HTTP response, whole."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body.decode("utf-8", "replace")
