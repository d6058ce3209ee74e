"""What this machine has: for `doctor`, and for choosing what the demo can show."""

import os
import shutil
import subprocess
from pathlib import Path

from msgspec import Struct


class Check(Struct, frozen=True):
    """One thing looked at: `good` None means that only part of Deadheat needs it."""

    what: str
    good: bool | None
    says: str
    mend: str = ""


def has_cargo() -> bool:
    """Whether a Rust toolchain is on the path."""
    return shutil.which("cargo") is not None


def checks(project: Path) -> tuple[Check, ...]:
    """Look at everything a hunt needs."""
    return (_tool("cargo"), _tool("rustc"), _linker(), _cores(), _writable(project), _proc())


def _tool(name: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(
            name,
            None,
            "not found; scan and the embedded demo work without it",
            "install a Rust toolchain and put it on PATH",
        )
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        return Check(name, False, done.stderr.strip().splitlines()[-1] if done.stderr else "it fails")
    return Check(name, True, done.stdout.strip())


def _linker() -> Check:
    if path := shutil.which("cc") or shutil.which("clang"):
        return Check("linker", True, Path(path).name)
    return Check("linker", None, "no C linker found; cargo needs one", "install gcc or clang")


def _cores() -> Check:
    count = len(os.sched_getaffinity(0))
    if count < 2:
        return Check("cores", None, "1; forced runs work, timed attacks need a second core")
    return Check("cores", True, str(count))


def _writable(project: Path) -> Check:
    folder = next(p for p in (project.resolve(), *project.resolve().parents) if p.exists())
    if os.access(folder, os.W_OK):
        return Check("project folder", True, "writable")
    return Check("project folder", False, f"{folder} cannot be written", "mend its permissions")


def _proc() -> Check:
    if Path("/proc/self/task").is_dir():
        return Check("/proc", True, "mounted; waiting threads can be told from running ones")
    return Check("/proc", False, "not mounted; a deadlock cannot be confirmed", "mount procfs")
