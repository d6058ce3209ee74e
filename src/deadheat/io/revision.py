"""A project as it was: its source at a git revision.

Owns the calls of `git`. Only `git archive` and `git rev-parse` are used: neither touches the working tree,
the index or the repository's state.
"""

import subprocess
from io import BytesIO
from pathlib import Path

from deadheat.io import source
from deadheat.model import ProjectError
from deadheat.rust.tree import SourceTree

_WANTED = (":(glob)**/*.rs", ":(glob)**/Cargo.toml", ":(glob)**/*.sql")


def tree_at(folder: Path, revision: str) -> SourceTree:
    """The source of the package in `folder` as it is in `revision` (a commit, branch, tag, `HEAD~3`).

    A package that did not exist then is an empty tree.

    Raises:
        ProjectError: no git repository, no such revision, or its source cannot be read.
    """
    import tarfile
    import tempfile

    folder = folder.resolve()
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n")).resolve()
    commit = _commit(folder, revision)
    wanted = _matching(top, commit)
    if not wanted:
        return SourceTree("", {}, {})
    packed = _git(top, "archive", "--format=tar", commit, "--", *wanted)
    with tempfile.TemporaryDirectory(prefix="deadheat-") as temporary:
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(temporary, filter="data")
        package = Path(temporary) / folder.relative_to(top)
        if not (package / "Cargo.toml").is_file():
            return SourceTree("", {}, {})
        return source.load(package)


def inside_repository(folder: Path) -> str:
    """The path of `folder` in its git repository, ending in `/`; empty at its root or outside of any."""
    folder = folder.resolve()
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            inside = folder.relative_to(top).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""


def _commit(folder: Path, revision: str) -> str:
    try:
        found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except ProjectError as error:
        raise ProjectError(
            f"{folder}: there is no revision {revision!r} here (a shallow clone? fetch it first)"
        ) from error
    return found.decode().strip()


def _matching(top: Path, commit: str) -> tuple[str, ...]:
    """The patterns that match something: `git archive` refuses one that does not."""
    names = _git(top, "ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")
    endings = (b".rs", b"Cargo.toml", b".sql")
    return tuple(
        pattern
        for pattern, ending in zip(_WANTED, endings, strict=True)
        if any(name.endswith(ending) for name in names)
    )


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), *arguments), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise ProjectError(
            f"git cannot be started, which comparing revisions needs: {error.strerror}"
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ProjectError(f"{folder}: git {arguments[0]}: {said[-1] if said else 'failed'}")
    return done.stdout
