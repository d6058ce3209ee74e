"""What HTTP/1.1 framed and parsed before: an exploration sends the same few requests thousands of times.

Owns a memory beside `http1`, which stays the only one to know the grammar: nothing here reads a header
by rules of its own. A request is h11's bytes with the value of one header replaced; an answer is
recognised when its head is, byte for byte, one that h11 has parsed. Everything else (chunks, interim
answers, a body that the end of the connection ends, an answer in pieces) is h11's each time.
"""

from dataclasses import dataclass, field
from typing import Self

from msgspec import Struct

from deadheat.model import Request, Response
from deadheat.wire.http1 import Exchange

_MARK = "deadheat.mark"
_MOST = 256  # heads, and requests: those of an application that varies its heads are not worth keeping
_END = b"\r\n\r\n"


class _Head(Struct, frozen=True):
    """What h11 made of a head: all of an answer but its body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int


@dataclass
class Repeats:
    """The memory of the connections to one origin, `host`."""

    host: str
    _requests: dict[tuple[Request, str], tuple[bytes, bytes] | None] = field(default_factory=dict)
    _plain: dict[Request, bytes | None] = field(default_factory=dict)
    _heads: dict[bytes, _Head] = field(default_factory=dict)

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self._requests) + len(self._plain) + len(self._heads)

    def whole(self, request: Request) -> bytes | None:
        """Give what `Exchange.frame` gives without extra headers; None as `frame`.

        Raises:
            TargetError: the request is not valid HTTP/1.1.
        """
        try:
            return self._plain[request]
        except KeyError:
            if len(self._plain) >= _MOST:
                self._plain.clear()
            exchange = Exchange(self.host)
            framed = exchange.frame(request)
            plain = exchange.awaiting_more and request.method != "HEAD"
            return self._plain.setdefault(request, framed if plain else None)

    def frame(self, request: Request, name: str, value: str) -> bytes | None:
        """Give what `Exchange.frame` gives with the header (`name`, `value`); `value` is of [0-9.].

        None where that is not all there is to it: HEAD, or the connection does more or less than stay
        open afterwards.

        Raises:
            TargetError: the request is not valid HTTP/1.1.
        """
        parts = self.parts(request, name)
        return parts and b"".join((parts[0], value.encode("ascii"), parts[1]))

    def parts(self, request: Request, name: str) -> tuple[bytes, bytes] | None:
        """Give what comes before and behind the value of the header `name` in such a frame; None as `frame`.

        Raises:
            TargetError: as `frame`.
        """
        key = request, name
        try:
            return self._requests[key]
        except KeyError:
            if len(self._requests) >= _MOST:
                self._requests.clear()
            return self._requests.setdefault(key, self._parts(request, name))

    def _parts(self, request: Request, name: str) -> tuple[bytes, bytes] | None:
        exchange = Exchange(self.host)
        head, mark, tail = exchange.frame(request, (name, _MARK)).partition(_MARK.encode())
        plain = exchange.awaiting_more and request.method != "HEAD"
        return (head, tail) if plain and mark and _MARK.encode() not in tail else None

    def answer(self, data: bytes) -> Response | None:
        """Give the answer if `data` is a whole one with a head that is known."""
        end = data.find(_END) + len(_END)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known.length:
            return None
        return Response(known.status, known.headers, data[end:])

    def learn(self, data: bytes, response: Response) -> None:
        """Remember the head of `data`, all of which h11 took for `response`, on a connection that stays."""
        end = data.find(_END) + len(_END)
        names = [name for name, _ in response.headers]
        lengths = [value for name, value in response.headers if name == "content-length"]
        whole = data[end:] == response.body and lengths == [str(len(response.body))]
        if whole and "transfer-encoding" not in names:
            if len(self._heads) >= _MOST:
                self._heads.clear()
            self._heads[data[:end]] = _Head(response.status, response.headers, len(response.body))


class Practised(Exchange):
    """An exchange that asks h11 only for what it does not know by heart."""

    _memory: Repeats
    _ahead: tuple[Request, tuple[tuple[str, str], ...]] | None = None  # framed by heart: h11 was not told
    _pieces: int = 0
    _surplus: bool = False  # h11 keeps bytes that came behind an answer, and takes them for the next one

    @classmethod
    def of(cls, memory: Repeats) -> Self:
        """Give the exchange of a new connection, which shares `memory` with others to the same origin."""
        exchange = cls(memory.host)
        exchange._memory = memory
        return exchange

    def frame(self, request: Request, *extra: tuple[str, str]) -> bytes:
        """As `Exchange.frame`."""
        self._pieces = 0
        return super().frame(request, *extra)

    def frame_again(self, request: Request, name: str, value: str) -> bytes:
        """Give what `frame` gives with one extra header; its `value`, of [0-9.], alone changes.

        Raises:
            TargetError: as `frame`.
        """
        framed = self._memory.frame(request, name, value) if self.usable and not self._surplus else None
        if framed is None:
            return self.frame(request, (name, value))
        self._ahead = request, ((name, value),)
        return framed

    def frame_known(self, request: Request) -> bytes:
        """Give what `frame` gives without extra headers.

        Raises:
            TargetError: as `frame`.
        """
        framed = self._memory.whole(request) if self.usable and not self._surplus else None
        if framed is None:
            return self.frame(request)
        self._ahead = request, ()
        return framed

    def receive(self, data: bytes) -> Response | None:
        """As `Exchange.receive`."""
        if self._ahead is not None:
            (request, headers), self._ahead = self._ahead, None
            response = self._memory.answer(data)
            if response is not None:
                return response
            self.frame(request, *headers)
        self._pieces += 1
        response = super().receive(data)
        if response is not None:
            self._surplus = self.surplus
            if self._pieces == 1 and self.reusable:
                self._memory.learn(data, response)
        return response

    @property
    def usable(self) -> bool:
        """As `Exchange.usable`."""
        return self._ahead is None and super().usable
