"""The application under attack, when we start it ourselves: so that it can start over.

Owns one child and the wait until its port answers. It must not know what is asked of it.
"""

import socket
import threading
import time
from pathlib import Path

from deadheat.io.process import Process
from deadheat.model import TargetError

_STEP = 0.01


class Served:
    """A server started by a command, which takes its port from `ROCKET_PORT` or `PORT`."""

    def __init__(self, command: tuple[str, ...], port: int, log: Path, ready: float = 30.0) -> None:
        """Nothing is started yet; `ready` is how many seconds it may take to answer."""
        self._command = command
        self._port = port
        self._log = log
        self._ready = ready
        self._process: Process | None = None
        self._pulse = threading.Event()
        self.starts = 0

    def restart(self) -> None:
        """End it if it runs, and start it.

        Raises:
            TargetError: it ended, or its port does not answer in time.
        """
        self.end()
        if self._answers():
            raise TargetError(f"port {self._port} is taken by another process; choose a free one")
        environment = {
            "ROCKET_ADDRESS": "127.0.0.1",
            "ROCKET_PORT": str(self._port),
            "ROCKET_LOG_LEVEL": "critical",
            "PORT": str(self._port),
            "HOST": "127.0.0.1",
        }
        self._process = Process(self._command, Path.cwd(), environment, self._log)
        self.starts += 1
        end = time.monotonic() + self._ready
        while not self._answers():
            if (status := self._process.exited) is not None:
                words = self._process.last_words()
                raise TargetError(f"{self._command[0]} ended ({status}) before it listened: {words}")
            if time.monotonic() > end:
                raise TargetError(f"{self._command[0]} does not answer on port {self._port}")
            self._pulse.wait(_STEP)

    def end(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1.0):
                return True
        except OSError:
            return False
