"""What lies around a project, as far as its sources reach for it.

Owns where a copy of a project must lie so that paths which climb out of the tree still lead to what
they mean. Cargo's own paths are edited in the manifests; but `include_str!("../../page.html")`,
`embed_migrations!("../migrations")` or a build script's `"../proto"` are resolved by macros and
programs, against the file or the package. So the copy lies as deep as those climb, and beside it
links lead to the real neighbours. It must not know what the copy is for.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from deadheat.io.tree import Entry

_CLIMBS = re.compile(rb'"/?((?:\.\./)+)[^"\n]*"')


def levels(root: Path, files: Iterable[Entry]) -> int:
    """How many folders above `root` the strings in its sources climb.

    What climbs may be meant from the file or from its package: the shallower of the two is taken. A
    repository is not left, and without one a single folder.
    """
    listed = list(files)
    packages = sorted((name.count("/"), path.parent) for name, path in listed if path.name == "Cargo.toml")
    most = 0
    for _, path in listed:
        if path.suffix != ".rs":
            continue
        depth = next((depth for depth, folder in reversed(packages) if path.is_relative_to(folder)), 0)
        for match in _CLIMBS.finditer(path.read_bytes()):
            most = max(most, match[1].count(b"/") - depth)
    repository = (up for up, folder in enumerate((root, *root.parents)) if (folder / ".git").exists())
    return min(most, next(repository, 1))


def place(root: Path, home: Path, high: int) -> Path:
    """Where below `home` the copy of `root` must lie, with links to its neighbours `high` levels up."""
    if high == 0:
        return home / "tree"
    top = root.parents[high - 1]
    here = home / "around"
    for part in root.relative_to(top).parts:
        here.mkdir(parents=True, exist_ok=True)
        _link(top, here, part)
        top, here = top / part, here / part
    return here


def _link(real: Path, copy: Path, own: str) -> None:
    """Let `copy` show what is in `real`, except `own`."""
    wanted = {neighbour.name: neighbour for neighbour in real.iterdir() if neighbour.name != own}
    for link in copy.iterdir():
        if link.is_symlink() and (link.name not in wanted or link.readlink() != wanted[link.name]):
            link.unlink()
    for name, neighbour in wanted.items():
        if not (copy / name).is_symlink() and not (copy / name).exists():
            (copy / name).symlink_to(neighbour)
