"""A copy of a project's files that stays fresh.

Owns what is copied and when a file is written. It must not know what the copy is for. A file is
written only when its content changes, so that cargo, which goes by modification times, rebuilds
only what must be.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_SKIPPED = frozenset(
    {".deadheat", ".git", ".hg", ".jj", ".svn", ".venv", "__pycache__", "node_modules", "target"}
)
_CACHE = "CACHEDIR.TAG"
"""Marks a directory of things that can be made again (bford.info/cachedir): cargo puts it into target."""
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"
_WHOLE = 1 << 20


class Entry(NamedTuple):
    """A file of the project: its name relative to the root (POSIX), and where it is."""

    name: str
    path: Path


def entries(root: Path) -> list[Entry]:
    """List the project's files under `root`, in order; build products and histories are skipped."""
    return sorted(_walk(root, root))


def _walk(root: Path, directory: Path) -> Iterator[Entry]:
    for here, directories, names in os.walk(directory):
        if _CACHE in names:
            directories.clear()
            continue
        directories[:] = [name for name in directories if name not in _SKIPPED]
        for name in names:
            path = Path(here, name)
            if path.is_file():
                yield Entry(path.relative_to(root).as_posix(), path)
        # os.walk does not follow links; a linked directory belongs to the project all the same.
        for name in directories:
            link = Path(here, name)
            if link.is_symlink() and not root.is_relative_to(link.resolve()):
                for entry in _walk(link.resolve(), link.resolve()):
                    yield Entry((link.relative_to(root) / entry.name).as_posix(), entry.path)


def fingerprint(files: list[Entry]) -> str:
    """Hash names and contents; of a file above 1 MiB the size and modification time stand for it."""
    digest = sha256()
    for name, path in files:
        status = path.stat()
        digest.update(f"{name}\0{status.st_size}\0".encode())
        if status.st_size > _WHOLE:
            digest.update(str(status.st_mtime_ns).encode())
        else:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def write(path: Path, content: bytes) -> bool:
    """Make `path` hold `content`; whether it had to be written."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def make_cache(directory: Path) -> Path:
    """Make `directory`, marked as cargo marks its own; one that exists is left as it is."""
    if not directory.exists():
        write(directory / _CACHE, _SIGNATURE)
    return directory


def mirror(files: list[Entry], target: Path, changed: Mapping[str, bytes], keep: frozenset[str]) -> None:
    """Make `target` hold `files`, with the content in `changed` instead where it is given.

    Whatever else is in `target` is removed, except the names in `keep`.
    """
    wanted = {entry.name for entry in files} | keep
    if target.is_dir():
        for entry in entries(target):
            if entry.name not in wanted:
                entry.path.unlink()
    for name, path in files:
        copy = target / name
        if name in changed:
            write(copy, changed[name])
        elif path.stat().st_size > _WHOLE:
            _copy_large(path, copy)
        elif write(copy, path.read_bytes()):
            shutil.copymode(path, copy)


def _copy_large(path: Path, copy: Path) -> None:
    there = path.stat()
    if copy.is_file():
        here = copy.stat()
        if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, copy)
