"""A second process for work whose result is bytes.

Owns the fork, the pipe and the end of the child. It must not know what is worked on. The child has
everything the parent had (fork(2)); it never returns into the parent's code, and nothing it
prints or leaves half done is seen. Where forking is not safe (other threads run) or pays nothing (one
core), there is no second process.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


def second_core() -> bool:
    """Whether a second process can be had, and a core for it."""
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return False
    return len(os.sched_getaffinity(0)) > 1


@contextmanager
def beside(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    """Do `work` in a second process meanwhile; what is yielded waits for its result.

    None when it failed: it is then for the caller to do the work. The child ends with the block at
    the latest.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, reading, writing)
    os.close(writing)
    ended = False

    def result() -> bytes | None:
        nonlocal ended
        parts: list[bytes] = []
        while part := os.read(reading, 1 << 20):
            parts.append(part)
        _, status = os.waitpid(child, 0)
        ended = True
        return b"".join(parts) if status == 0 else None

    try:
        yield result
    finally:
        os.close(reading)
        if not ended:
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _work(work: Callable[[], bytes], reading: int, writing: int) -> None:
    """Be the child: work, send, end at once, without what the parent wants done when it ends."""
    code = 1
    try:
        os.close(reading)
        content = memoryview(work())
        while content:
            content = content[os.write(writing, content) :]
        code = 0
    finally:
        os._exit(code)


__all__ = ["beside", "second_core"]
