"""A repository at a commit, from a local mirror, as far as a scan reads it.

Owns the git commands and the layout of a mirror directory. It must not know labels. Nothing is
fetched from anywhere: a mirror holds git directories that a person has put there, under any of the
names ``OWNER+NAME/repo``, ``OWNER+NAME``, ``OWNER/NAME`` or ``NAME`` (with or without ``.git``).
"""

import subprocess
from pathlib import Path, PurePosixPath

_READ = frozenset({".rs", ".toml", ".sql"})


def git_directory(mirror: Path | None, repo: str) -> Path | None:
    """The git directory of ``owner/name`` in the mirror; None when there is none."""
    if mirror is None:
        return None
    owner, _, name = repo.partition("/")
    for form in (f"{owner}+{name}/repo", f"{owner}+{name}", f"{owner}/{name}", name):
        for candidate in (mirror / form, mirror / f"{form}.git", mirror / form / ".git"):
            if (candidate / "HEAD").is_file():
                return candidate
    return None


def check_out(git: Path, commit: str, into: Path, *, whole: bool = False) -> str | None:
    """Write the files a scan reads, or with `whole` all; what is wrong when that cannot be done.

    A mirror may lack its largest files: those are not written.
    """
    listed = _git(git, "ls-tree", "-r", "-z", commit)
    if listed is None:
        return f"commit {commit[:10]} is not in {git.parent.name}"
    wanted: list[tuple[str, str]] = []
    for entry in listed.split(b"\0"):
        meta, _, path = entry.decode("utf-8", "surrogateescape").partition("\t")
        if meta.startswith("100") and (whole or PurePosixPath(path).suffix in _READ):
            wanted.append((meta.split()[2], path))
    blobs = _git(git, "cat-file", "--batch", given="".join(f"{blob}\n" for blob, _ in wanted).encode())
    if blobs is None:
        return f"{git.parent.name} is damaged"
    position = 0
    for _, path in wanted:
        end = blobs.index(b"\n", position)
        header = blobs[position:end].split()
        position = end + 1
        if header[-1] == b"missing":
            continue
        size = int(header[2])
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blobs[position : position + size])
        position += size + 1
    return None


def _git(git: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    command = ["git", f"--git-dir={git}", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def packages(root: Path) -> list[Path]:
    """Every directory with a manifest, outermost first: what there is to scan."""
    found = {path.parent for path in root.rglob("Cargo.toml")}
    return sorted(found, key=lambda path: (len(path.parts), path.as_posix()))
