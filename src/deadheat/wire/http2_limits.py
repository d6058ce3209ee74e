"""What an HTTP/2 peer admits: its settings and its flow-control windows.

Owns the arithmetic of RFC 9113, sections 5.1.2 (concurrent streams), 5.2 (flow control) and 6.5.2
(settings). Windows are in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hyperframe.frame import SettingsFrame

from deadheat.model import TargetError

_DEFAULT_WINDOW = 65_535


@dataclass
class Limits:
    """The peer's limits as they stand; streams that are over are forgotten."""

    streams: int | None = None
    frame: int = 16_384
    connection: int = _DEFAULT_WINDOW
    _initial: int = _DEFAULT_WINDOW
    _windows: dict[int, int] = field(default_factory=dict)

    def settle(self, settings: Mapping[int, int]) -> None:
        """Apply a SETTINGS frame; a new initial window moves the windows of open streams too."""
        self.streams = settings.get(SettingsFrame.MAX_CONCURRENT_STREAMS, self.streams)
        self.frame = settings.get(SettingsFrame.MAX_FRAME_SIZE, self.frame)
        initial = settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, self._initial)
        for stream in self._windows:
            self._windows[stream] += initial - self._initial
        self._initial = initial

    def admit(self, bodies: list[int]) -> None:
        """Check that bodies of these sizes can be sent at once, each on a new stream.

        Raises:
            TargetError: a window is too small; says by how much.
        """
        total, largest = sum(bodies), max(bodies, default=0)
        if total > self.connection:
            raise TargetError(
                f"the bodies are {total:,} bytes and the server's HTTP/2 window is {self.connection:,}: "
                "race fewer requests, send smaller bodies, or go over HTTP/1.1"
            )
        if largest > self._initial:
            raise TargetError(
                f"a body is {largest:,} bytes and the server's HTTP/2 window for one stream is "
                f"{self._initial:,}: send a smaller one, or go over HTTP/1.1"
            )

    def open(self, stream: int) -> None:
        """Give a new stream its window."""
        self._windows[stream] = self._initial

    def spend(self, stream: int, size: int) -> None:
        """Take the bytes of a body from both windows."""
        self.connection -= size
        self._windows[stream] -= size

    def widen(self, stream: int, size: int) -> None:
        """Apply a WINDOW_UPDATE frame; stream 0 is the connection."""
        if stream == 0:
            self.connection += size
        elif stream in self._windows:
            self._windows[stream] += size

    def close(self, stream: int) -> None:
        """Forget a stream that is over."""
        self._windows.pop(stream, None)
