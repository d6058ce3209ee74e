"""A file that only grows, whose records are whole or not there: what a run has learned, on disk.

Owns the framing (length, CRC-32, bytes; a torn last record is none) and who writes: one process at a time,
for as long as it lives (flock(2)). It must not know what is recorded.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from deadheat.model import DeadheatError

_HEAD = struct.Struct("!II")
_KEPT = 8  # journals in one folder


class Journal:
    """One journal, open for writing."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open it; `create` makes it, and lets the oldest others go.

        Raises:
            DeadheatError: it is not there, or another process writes it.
            OSError: it cannot be written.
        """
        self.path = path
        if create:
            path.parent.mkdir(exist_ok=True)
            _let_go(path.parent)
        elif not path.is_file():
            known = sorted(int(f.stem) for f in path.parent.glob("*.journal") if f.stem.isdigit())
            have = f"; others did: {', '.join(map(str, known))}" if known else ""
            raise DeadheatError(f"run {path.stem} left nothing to go on with{have}")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(self._file):
            os.close(self._file)
            raise DeadheatError(f"run {path.stem} is still going on in another process")

    def records(self) -> list[bytes]:
        """Give what was written; what is torn is cut off."""
        data = self.path.read_bytes()
        found, end = [], 0
        for record in _records(data):
            found.append(record)
            end += _HEAD.size + len(record)
        os.ftruncate(self._file, end)
        return found

    def append(self, record: bytes) -> None:
        """Write one record; it is there, whole, when this returns.

        Raises:
            OSError: it cannot be written (the disk is full); the records before it stay.
        """
        end = os.lseek(self._file, 0, os.SEEK_END)
        framed = memoryview(_HEAD.pack(len(record), zlib.crc32(record)) + record)
        try:
            while framed:
                framed = framed[os.write(self._file, framed) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise

    def close(self) -> None:
        """Let others write it."""
        os.close(self._file)

    def discard(self) -> None:
        """Remove it: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)
        self.close()


def _records(data: bytes) -> Iterator[bytes]:
    start = 0
    while start + _HEAD.size <= len(data):
        length, checked = _HEAD.unpack_from(data, start)
        record = data[start + _HEAD.size : start + _HEAD.size + length]
        if len(record) < length or zlib.crc32(record) != checked:
            return
        yield record
        start += _HEAD.size + length


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go(folder: Path) -> None:
    """Remove the oldest journals that nobody writes."""
    files = sorted(folder.glob("*.journal"), key=lambda file: file.stat().st_mtime)
    for file in files[: -_KEPT + 1]:
        opened = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        if _locked(opened):
            file.unlink(missing_ok=True)
        os.close(opened)
