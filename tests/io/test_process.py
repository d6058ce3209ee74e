"""A child never outlives us, however we end."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deadheat.io.process import Process
from deadheat.model import TargetError

_PARENT = """
import sys
from pathlib import Path
from deadheat.io.process import Process
Process(("/bin/sh", "-c", "echo $$ >own-id; sleep 600 & wait"), Path("."), {}, Path("log"))
while not (text := Path("own-id").read_text() if Path("own-id").exists() else "").endswith("\\n"):
    pass
sys.stdout.write(text)
sys.stdout.flush()
sys.stdin.read()
"""


def gone(pid: int, seconds: float = 10) -> bool:
    """Await the end of a process that is no child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_us_even_when_we_are_killed(tmp_path: Path, how: signal.Signals) -> None:
    command = (sys.executable, "-c", _PARENT)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(how)
    assert gone(pid)


def test_ending_it_ends_its_children_and_the_guard(tmp_path: Path) -> None:
    child = Process(("/bin/sh", "-c", "sleep 600 & wait"), tmp_path, {}, tmp_path / "log")
    child.end()
    assert child.exited == -signal.SIGKILL
    child.end()


def test_how_it_ended_in_words(tmp_path: Path) -> None:
    child = Process(("/bin/sh", "-c", "echo gone; exit 3"), tmp_path, {}, tmp_path / "log")
    assert child.wait_exit(30) == "exit status 3"
    assert child.last_words() == "gone"
    child.end()


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be started"):
        Process(("./no-such-program",), tmp_path, {}, tmp_path / "log")
