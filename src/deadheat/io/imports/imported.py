"""What an import gives: a request, and the server it was meant for.

Owns which headers belong to a connection rather than to a request, and are left behind.
"""

import re

from msgspec import Struct

from deadheat.model import Origin, Request

_CONNECTION = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "http2-settings",
        "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""RFC 9110, section 7.6.1, and what our own framing sets; coded answers could not be compared."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"/[!-~]*")


class ImportMistake(Exception):  # noqa: N818 - the user's, not ours
    """What is wrong with the content; the reader adds the file."""


class Imported(Struct, frozen=True):
    """A request, its server (None: not told), and what the source called it."""

    request: Request
    origin: Origin | None = None
    name: str = ""


def made(
    method: str,
    target: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    origin: Origin | None,
    name: str = "",
) -> Imported:
    """A checked request without the headers of its connection.

    Raises:
        ImportMistake: HTTP could not carry it.
    """
    if not _TOKEN.fullmatch(method):
        raise ImportMistake(f"{method!r} is not a method")
    if not _TARGET.fullmatch(target):
        raise ImportMistake(f"{target!r} is not a target: it starts with / and is percent-encoded")
    kept = tuple(
        (key, value.strip(" \t"))
        for key, value in headers
        if key.lower() not in _CONNECTION and not key.startswith(":")
    )
    for key, value in kept:
        if not _TOKEN.fullmatch(key) or not _FIELD_VALUE.fullmatch(value):
            raise ImportMistake(f"header {key!r} has a character no header can carry")
    return Imported(Request(method.upper(), target, kept, body), origin, name)


def parts(url: str) -> tuple[Origin, str]:
    """A URL as server and target.

    Raises:
        TargetError: it is no URL of an HTTP server.
    """
    origin = Origin.of(url)
    rest = url.partition("://")[2]
    at = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    target = rest[at:].partition("#")[0] or "/"
    return origin, target if target.startswith("/") else f"/{target}"
