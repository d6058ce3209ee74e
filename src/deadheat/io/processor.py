"""How busy this machine's cores are, from Linux's `/proc/stat`.

Owns that file. A window that does not yield is decided by whether a second core is free: a null
result on a busy machine says little.
"""

import os
from pathlib import Path

from msgspec import Struct

_STAT = Path("/proc/stat")


class Reading(Struct, frozen=True):
    """Ticks since start: of all cores together, and of those the idle ones."""

    total: int
    idle: int


def read() -> Reading | None:
    """The counters now; None where the system has none."""
    try:
        fields = _STAT.read_text("ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    ticks = [int(field) for field in fields]
    return Reading(sum(ticks), ticks[3] + ticks[4])


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free(before: Reading | None, after: Reading | None) -> float | None:
    """How many cores were idle between two readings, on average."""
    if before is None or after is None or after.total <= before.total:
        return None
    return (os.cpu_count() or 1) * (after.idle - before.idle) / (after.total - before.total)
