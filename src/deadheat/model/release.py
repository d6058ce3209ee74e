"""What a release is: where requests go, where they are held, what came back and when."""

from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct

from deadheat.model.errors import TargetError
from deadheat.model.http import Request, Response

_PORTS = {"http": 80, "https": 443}


class Version(StrEnum):
    """A version of HTTP, by the name people type."""

    H1 = "h1"
    H2 = "h2"
    H3 = "h3"  # over QUIC
    WS = "ws"  # messages over WebSockets, opened over HTTP/1.1


class Gate(StrEnum):
    """Where the server holds a racer until its release."""

    CLIENT = "client"  # nothing was sent: it is held here
    START = "start"  # received in part; neither guards nor handler have run
    HANDLER = "handler"  # its guards ran, its handler waits for the end of the body


class Origin(Struct, frozen=True):
    """A server, and how to speak to it.

    `authority` overrides what the `Host` header or `:authority` says, `server_name` the name
    asked for in the TLS handshake (SNI); `insecure` accepts any certificate, `ca` is a file of
    certificates to trust beside the system's.
    """

    scheme: str
    host: str
    port: int
    authority: str | None = None
    server_name: str | None = None
    insecure: bool = False
    ca: str | None = None

    @classmethod
    def of(cls, url: str, *, insecure: bool = False) -> "Origin":
        """Give the origin of a URL; its path is not looked at.

        Raises:
            TargetError: it is no URL of an HTTP server.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise TargetError(f"{url}: {error}; write http://HOST:PORT") from error
        if parts.scheme not in _PORTS or not host:
            raise TargetError(f"{url}: not the address of an HTTP server; write http://HOST:PORT")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], insecure=insecure)

    @property
    def tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme == "https"

    @property
    def named(self) -> str:
        """What the `Host` header says."""
        if self.authority:
            return self.authority
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The origin as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class TargetFacts(Struct, frozen=True):
    """What probing a server showed, and what a release plan is chosen by.

    `versions` are those it speaks; `continues` whether it answers `Expect: 100-continue` (None:
    not asked); `streams` its limit of concurrent streams (None: it set none); `window` the
    body bytes that one HTTP/2 connection may send ahead; `segment` the payload of one TCP segment
    in bytes; `round_trip` in seconds.
    """

    tls: bool
    versions: tuple[Version, ...]
    continues: bool | None = None
    streams: int | None = None
    window: int = 65_535
    segment: int = 1_448
    round_trip: float = 0.0


class Shot(Struct, frozen=True):
    """One racer of one round: what was sent and what is known of it.

    Without a `response` it is indeterminate, and `reason` says why; `may_have_run` is False only
    when the server said that it did not look at the request. `parked` is True when the server
    was *shown* to hold it before the release. `released`, `first` and `last` are when its held
    bytes were written and when the first and the last bytes of the answer were read, in
    nanoseconds of one monotonic clock.
    """

    request: Request
    response: Response | None
    released: int
    first: int | None = None
    last: int | None = None
    reason: str = ""
    may_have_run: bool = True
    parked: bool = False

    @property
    def early(self) -> bool:
        """Whether the answer began before the release: something in front of the handler gave it."""
        return self.first is not None and self.first < self.released

    @property
    def latency(self) -> float | None:
        """Seconds from the release to the end of the answer."""
        return None if self.last is None else (self.last - self.released) / 1e9


class Round(Struct, frozen=True):
    """One release: its racers in the order they were given.

    `offsets` are in seconds from the first racer due, as asked for; `connections` how many the
    racers went out over; `note` what went otherwise than planned, empty when nothing did.
    """

    shots: tuple[Shot, ...]
    version: Version
    plan: str
    connections: int
    offsets: tuple[float, ...] = ()
    note: str = ""

    @property
    def spread(self) -> float:
        """Seconds from the first to the last write of held bytes."""
        times = [shot.released for shot in self.shots]
        return (max(times) - min(times)) / 1e9 if times else 0.0

    @property
    def in_flight(self) -> int:
        """How many racers were out at once at most: released and not yet answered in full."""
        marks = [(shot.released, 1) for shot in self.shots]
        marks += [(shot.last, -1) for shot in self.shots if shot.last is not None]
        most = now = 0
        for _, step in sorted(marks, key=lambda mark: (mark[0], mark[1])):
            now += step
            most = max(most, now)
        return most

    @property
    def indeterminate(self) -> tuple[Shot, ...]:
        """The racers that never answered and may have taken effect all the same."""
        return tuple(shot for shot in self.shots if shot.response is None and shot.may_have_run)
