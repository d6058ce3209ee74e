"""Redis' framing: bytes to commands on one side, to replies on the other.

Sans-io, after h11. Owns RESP2 and RESP3 (the Redis documentation, "Redis serialization protocol
specification"): arrays of bulk strings and inline commands from a client; every type from a server,
with attributes in front of what they belong to, and pushes told from replies. It must not know what
a command does, nor sockets. Streamed strings and aggregates, which no server sends, are refused.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

_LINE = 64 * 1024  # the server's own limit for an inline command and for a type's first line
_BULK = 512 * 1024 * 1024
_ITEMS = 1024 * 1024
_DEPTH = 32
_TLS = b"\x16\x03"
_SCALARS = b"+-:_#,("
_BULKS = b"$!="
_AGGREGATES = b"*~>"
_PAIRS = b"%|"
_WORD = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s\"']+")


class ProtocolError(Exception):
    """What came is not Redis' protocol; the message says what it seems to be."""


class Frame(Struct, frozen=True):
    """A value: `kind` is its type's first byte; `text` what a scalar or bulk says, `items` what is in it."""

    kind: str
    text: bytes | None = None
    items: tuple["Frame", ...] = ()

    @property
    def is_push(self) -> bool:
        """Whether it answers nothing (RESP3)."""
        return self.kind == ">"

    @property
    def is_error(self) -> bool:
        """Whether it says that a command failed."""
        return self.kind in "-!"


class Received(Struct, frozen=True):
    """A frame, and the bytes that it came in."""

    frame: Frame
    raw: bytes


class Command(Struct, frozen=True):
    """A command's words, the first of them its name, and the bytes that it came in."""

    words: tuple[bytes, ...]
    raw: bytes

    @property
    def name(self) -> str:
        """Its name in capitals."""
        return self.words[0].decode("latin-1").upper()


class Commands:
    """The client's half.

    Raises (from `feed`):
        ProtocolError: something else than commands came.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._buffer = b""

    @property
    def rest(self) -> bool:
        """Whether a command has begun to come."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Command]:
        """Give the commands that are whole now; wherever the cuts were, the same ones."""
        buffer = self._buffer + data
        at = 0
        self._buffer = b""
        while at < len(buffer):
            if buffer.startswith(_TLS, at):
                raise ProtocolError("TLS, which the proxy does not speak: use redis:// instead of rediss://")
            read = _command(buffer, at)
            if read is None:
                self._buffer = buffer[at:]
                return
            words, end = read
            if words:
                yield Command(words, buffer[at:end])
            at = end


class Replies:
    """The server's half.

    Raises (from `feed`):
        ProtocolError: something else than replies came.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Received]:
        """Give the replies and pushes that are whole now; wherever the cuts were, the same ones."""
        buffer = self._buffer + data
        at = 0
        self._buffer = b""
        while at < len(buffer):
            read = _frame(buffer, at, 0)
            if read is None:
                self._buffer = buffer[at:]
                return
            frame, end = read
            yield Received(frame, buffer[at:end])
            at = end


def command(*words: bytes | str) -> bytes:
    """Frame a command."""
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def _line(buffer: bytes, at: int) -> tuple[bytes, int] | None:
    end = buffer.find(b"\r\n", at)
    if end < 0:
        if len(buffer) - at > _LINE:
            raise ProtocolError("a line without an end")
        return None
    return buffer[at:end], end + 2


def _number(text: bytes, most: int) -> int:
    if not re.fullmatch(rb"-?\d{1,12}", text):
        raise ProtocolError(f"{text[:20]!r} where a length is to be")
    number = int(text)
    if not -1 <= number <= most:
        raise ProtocolError(f"a length of {number}")
    return number


def _command(buffer: bytes, at: int) -> tuple[tuple[bytes, ...], int] | None:
    """Read a command; one without words is passed over by the server, too."""
    if buffer[at : at + 1] != b"*":
        return _inline(buffer, at)
    head = _line(buffer, at)
    if head is None:
        return None
    text, at = head
    words: list[bytes] = []
    for _ in range(max(_number(text[1:], _ITEMS), 0)):
        head = _line(buffer, at)
        if head is None:
            return None
        text, at = head
        if text[:1] != b"$":
            raise ProtocolError(f"{text[:1]!r} where a bulk string is to be")
        end = at + max(_number(text[1:], _BULK), 0)
        if len(buffer) < end + 2:
            return None
        words.append(buffer[at:end])
        at = end + 2
    return tuple(words), at


def _inline(buffer: bytes, at: int) -> tuple[tuple[bytes, ...], int] | None:
    end = buffer.find(b"\n", at)
    if end < 0:
        if len(buffer) - at > _LINE:
            raise ProtocolError("an inline command without an end")
        return None
    words = _WORD.findall(buffer[at:end])
    return tuple(word[1:-1] if word[:1] in b"\"'" else word for word in words), end + 1


def _frame(buffer: bytes, at: int, depth: int) -> tuple[Frame, int] | None:
    head = _line(buffer, at)
    if head is None:
        return None
    text, end = head
    kind, text = text[:1], text[1:]
    if depth > _DEPTH:
        raise ProtocolError("replies nested without end")
    if kind and kind in _SCALARS:
        return Frame(kind.decode(), None if kind == b"_" else text), end
    if kind and kind in _BULKS:
        size = _number(text, _BULK)
        if size < 0:
            return Frame(kind.decode()), end
        if len(buffer) < end + size + 2:
            return None
        return Frame(kind.decode(), buffer[end : end + size]), end + size + 2
    if kind and kind in _AGGREGATES + _PAIRS:
        count = _number(text, _ITEMS) * (2 if kind in _PAIRS else 1)
        items: list[Frame] = []
        for _ in range(count):
            read = _frame(buffer, end, depth + 1)
            if read is None:
                return None
            item, end = read
            items.append(item)
        if kind == b"|":  # it says something about the value that follows, and is no value
            return _frame(buffer, end, depth + 1)
        return Frame(kind.decode(), None, tuple(items)), end
    raise ProtocolError(f"{kind!r} where a reply is to begin")
