"""Results kept by the content they were made from.

Owns `.deadheat/cache`: bytes by key, the oldest thrown away. It must not know what is kept. A cache that
cannot be written is no error: the answer is then made again next time.
"""

import os
from functools import cache
from hashlib import sha256
from pathlib import Path

import deadheat

_MOST = 16
_READERS = ("model", "rules", "rust")


class Cache:
    """The cache of one workspace."""

    def __init__(self, workspace: Path) -> None:
        """Use `.deadheat/cache` in `workspace`; nothing is made before something is kept."""
        self._home = workspace / ".deadheat"
        self._folder = self._home / "cache"

    def get(self, key: str) -> bytes | None:
        """What was kept under `key`, None when nothing (readable) was."""
        try:
            return (self._folder / key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, content: bytes) -> None:
        """Keep `content`; whole or not at all, whoever else writes at the same time."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            ignore = self._home / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
            unfinished = self._folder / f".{key}.{os.getpid()}"
            unfinished.write_bytes(content)
            unfinished.replace(self._folder / key)
            kept = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in kept[_MOST:]:
                old.unlink(missing_ok=True)
        except OSError:
            return


@cache
def own_digest() -> bytes:
    """What reads and judges, as a digest: results of another version are never taken for ours."""
    digest = sha256(deadheat.__version__.encode())
    home = Path(deadheat.__file__).parent
    for part in _READERS:
        for path in sorted((home / part).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()
