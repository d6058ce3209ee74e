"""The application under exploration as a process: started, watched, ended.

Owns the life of one child. It must not know what is asked of it. A child never outlives us: it
has a process group of its own that `end` kills, and beside it waits a guard, a shell at the end of a
pipe: when we are killed ourselves the pipe closes, and the guard kills the group.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deadheat.model import TargetError

_LAST_WORDS = 12
_GUARD = 'read -r word || kill -s KILL -- "-$1"'  # a word before the end of the pipe: nothing left to do


class Process:
    """A child process whose output goes to `log`."""

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        """Start `command` in `cwd`, with `environment` on top of ours.

        Raises:
            TargetError: it cannot be started at all.
        """
        self._log = log
        self._command = command
        try:
            with log.open("wb") as output:
                self._child = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise TargetError(f"{command[0]} cannot be started: {error}") from error
        self._guard = subprocess.Popen(
            ("/bin/sh", "-c", _GUARD, "deadheat-guard", str(self._child.pid)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at the terminal is for us to handle, not for the guard
        )

    @property
    def exited(self) -> int | None:
        """The exit status, None while it runs."""
        return self._child.poll()

    def last_words(self) -> str:
        """Give the end of what it printed."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-_LAST_WORDS:])

    def wait_exit(self, seconds: float = 1.0) -> str | None:
        """Say in words how it ended, None if it has not done so within `seconds`."""
        try:
            status = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"

    def end(self) -> None:
        """Kill the process group and await its end."""
        if self._child.poll() is None:
            try:
                os.killpg(self._child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended by itself in this very moment
        self._child.wait()
        if self._guard.poll() is None:
            self._guard.communicate(b"done\n")
