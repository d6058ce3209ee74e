"""PostgreSQL's protocol 3.0 as bytes in, messages out, both ways.

Owns framing and the layout of the few messages that are read. It must not know a socket, nor what a
message means for a schedule (`wire.pg_steps` does). Source: PostgreSQL documentation, part VII,
chapter "Frontend/Backend Protocol", sections "Message Flow" and "Message Formats": a message is a
type byte and an int32 length that counts itself; the first one of a client has no type byte.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_3 = 196608
_MOST = 1 << 30  # bytes; what PostgreSQL itself allows a message to have
_SHORT = 4096
"""Bytes up to which what was read once is known by heart: an exploration says the same things again."""


class ProtocolError(Exception):
    """These bytes are not PostgreSQL's protocol."""


class Message(Struct, frozen=True):
    """One message; `kind` is its type byte as text, empty for a client's first one."""

    kind: str
    body: bytes

    @property
    def raw(self) -> bytes:
        """The message as it goes over the wire."""
        return self.kind.encode("ascii") + struct.pack("!i", len(self.body) + 4) + self.body


class Framer:
    """Cuts one direction of a conversation into messages."""

    def __init__(self, *, opening: bool = False) -> None:
        """`opening`: the next message has no type byte (a client's first)."""
        self.opening = opening
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Give the messages that `data` completes.

        Whether a type byte is expected is asked anew for each message: after SSLRequest another
        opening message follows, after StartupMessage none does (the caller clears `opening`).

        Raises:
            ProtocolError: a length that no message can have.
        """
        self._buffer += data
        while self.opening:
            cut = _message(self._buffer, 0, skip=0)
            if cut is None:
                return
            message, end = cut
            self._buffer = self._buffer[end:]
            yield message
        messages, _ = self.take(b"")
        yield from messages

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def take(self, data: bytes) -> tuple[Sequence[Message], bytes]:
        """Give the messages behind the opening that `data` completes, and the same as they came.

        Raises:
            ProtocolError: a length that no message can have.
        """
        data = self._buffer + data if self._buffer else data
        messages, end = _known(data) if len(data) <= _SHORT else _cut(data)
        self._buffer = data[end:]
        return messages, data[:end]


def _cut(data: bytes) -> tuple[tuple[Message, ...], int]:
    """Give the messages that are whole, and where they end."""
    found: list[Message] = []
    end = 0
    while (cut := _message(data, end, skip=1)) is not None:
        found.append(cut[0])
        end = cut[1]
    return tuple(found), end


_known = lru_cache(maxsize=1024)(_cut)


def _message(data: bytes, start: int, *, skip: int) -> tuple[Message, int] | None:
    """Give the message that begins at `start` with a type of `skip` bytes, and where it ends."""
    begin = start + skip
    if len(data) < begin + 4:
        return None
    (length,) = struct.unpack_from("!i", data, begin)
    if not 4 <= length <= _MOST:
        raise ProtocolError(f"a message of {length} bytes: this is not PostgreSQL's protocol")
    end = begin + length
    if len(data) < end:
        return None
    return Message(data[start:begin].decode("latin-1"), data[begin + 4 : end]), end


class Parse(Struct, frozen=True):
    """`P`: prepare `sql` under `name` (empty: the unnamed statement)."""

    name: str
    sql: str
    types: tuple[int, ...]


class Bind(Struct, frozen=True):
    """`B`: make `portal` of `statement`; a value of None is NULL, format 1 is binary."""

    portal: str
    statement: str
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]

    def format(self, index: int) -> int:
        """Give the format of one value: none given is text, one given is that of all."""
        if len(self.formats) == 1:
            return self.formats[0]
        return self.formats[index] if index < len(self.formats) else 0


class _Reader:
    """Takes fields off a message body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise ProtocolError("a string without its end")
        found = self._body[self._at : end].decode("utf-8", "replace")
        self._at = end + 1
        return found

    def int16(self) -> int:
        return int.from_bytes(self.take(2), "big", signed=True)

    def int32(self) -> int:
        return int.from_bytes(self.take(4), "big", signed=True)

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def take(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if count < 0 or len(found) != count:
            raise ProtocolError("a message shorter than it says")
        self._at += count
        return found


def opening_code(message: Message) -> int:
    """Give the code of a client's first message: `PROTOCOL_3`, `SSL_REQUEST` and so on."""
    return _Reader(message.body).int32()


def parameters(message: Message) -> dict[str, str]:
    """Read the parameters of a StartupMessage."""
    reader = _Reader(message.body)
    reader.int32()
    found: dict[str, str] = {}
    while name := reader.text():
        found[name] = reader.text()
    return found


def startup(given: Mapping[str, str]) -> Message:
    """Make a StartupMessage of protocol 3.0."""
    body = struct.pack("!i", PROTOCOL_3)
    for name, value in given.items():
        body += name.encode() + b"\0" + value.encode() + b"\0"
    return Message("", body + b"\0")


def query(sql: str) -> Message:
    """Make a simple Query."""
    return Message("Q", sql.encode() + b"\0")


def read_query(message: Message) -> str:
    """Read the text of a Query."""
    return _Reader(message.body).text()


def read_parse(message: Message) -> Parse:
    """Read a Parse."""
    reader = _Reader(message.body)
    name, sql = reader.text(), reader.text()
    return Parse(name, sql, tuple(reader.uint32() for _ in range(reader.int16())))


def read_bind(message: Message) -> Bind:
    """Read a Bind, without the formats it wants its results in."""
    body = message.body
    return _known_bind(body) if len(body) <= _SHORT else _bind(body)


def _bind(body: bytes) -> Bind:
    reader = _Reader(body)
    portal, statement = reader.text(), reader.text()
    formats = tuple(reader.int16() for _ in range(reader.int16()))
    values: list[bytes | None] = []
    for _ in range(reader.int16()):
        size = reader.int32()
        values.append(None if size < 0 else reader.take(size))
    return Bind(portal, statement, formats, tuple(values))


_known_bind = lru_cache(maxsize=1024)(_bind)


def read_name(message: Message) -> str:
    """Read the portal of an Execute."""
    return _Reader(message.body).text()


def read_target(message: Message) -> tuple[str, str]:
    """Read a Describe or a Close: `S` or `P`, and the name of the statement or portal."""
    reader = _Reader(message.body)
    return reader.take(1).decode("latin-1"), reader.text()


def read_types(message: Message) -> tuple[int, ...]:
    """Read a ParameterDescription: the type of each parameter, as an OID."""
    reader = _Reader(message.body)
    return tuple(reader.uint32() for _ in range(reader.int16()))


def read_row(message: Message) -> tuple[str | None, ...]:
    """Read a DataRow whose values are in text format."""
    reader = _Reader(message.body)
    values: list[str | None] = []
    for _ in range(reader.int16()):
        size = reader.int32()
        values.append(None if size < 0 else reader.take(size).decode("utf-8", "replace"))
    return tuple(values)


def read_key(message: Message) -> int:
    """Read the process id from a BackendKeyData."""
    return _Reader(message.body).int32()


def read_error(message: Message) -> dict[str, str]:
    """Read an ErrorResponse by field: `C` is the SQLSTATE, `M` the message."""
    reader = _Reader(message.body)
    found: dict[str, str] = {}
    while (field := reader.take(1)) != b"\0":
        found[field.decode("latin-1")] = reader.text()
    return found


def bind_body(portal: str, statement: str, formats: Sequence[int], values: Sequence[bytes | None]) -> Message:
    """Make a Bind that wants its results as text."""
    body = portal.encode() + b"\0" + statement.encode() + b"\0"
    body += struct.pack(f"!h{len(formats)}h", len(formats), *formats) + struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return Message("B", body + struct.pack("!h", 0))
