"""What changed in a project's source since the last look.

Owns the comparison of modification times and sizes. It must not know what is done about a change. Polling
and not the kernel's notifications: it works on every file system, over networks and in containers, and a
look at the few hundred files of an application takes a millisecond or two.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_NAMES = ("Cargo.toml",)
_ENDINGS = (".rs", ".sql")
_SKIPPED = frozenset({"target", "node_modules"})

Seen = dict[str, tuple[int, int]]


def look(folder: Path) -> Seen:
    """Every source file under `folder` with its modification time (ns) and size."""
    found: Seen = {}
    for directory, subdirectories, names in os.walk(folder):
        subdirectories[:] = [n for n in subdirectories if not n.startswith(".") and n not in _SKIPPED]
        for name in names:
            if name.endswith(_ENDINGS) or name in _NAMES:
                path = os.path.join(directory, name)  # noqa: PTH118 - a thousand times per look
                try:
                    status = os.stat(path)  # noqa: PTH116
                except OSError:
                    continue  # saved by renaming, caught between
                found[path] = (status.st_mtime_ns, status.st_size)
    return found


def changed(before: Seen, after: Seen) -> frozenset[str]:
    """The files that were added, removed or written."""
    return frozenset(path for path, _ in before.items() ^ after.items())


def changes(folder: Path, wait: Callable[[], bool]) -> Iterator[frozenset[str]]:
    """The changed files, each time some have; ends when `wait` (called between looks) says stop.

    An editor writes several files at a save: a change is handed out when two looks in a row agree.
    """
    settled = look(folder)
    last = settled
    while not wait():
        now = look(folder)
        if now == last and now != settled:
            yield changed(settled, now)
            settled = now
        last = now
