"""Where the data that ships with Deadheat lies: the probe crate and the lab.

In a wheel it is beside the package, under `_data`; in a working copy it is the repository
itself.
"""

import os
import shutil
from pathlib import Path

from deadheat.model import DeadheatError

_PACKAGE = Path(__file__).resolve().parent.parent
_ROOTS = (_PACKAGE / "_data", _PACKAGE.parent.parent)


def resource(*parts: str) -> Path:
    """Give the path of a shipped folder or file, such as `crates/deadheat-probe`.

    Raises:
        DeadheatError: this installation is incomplete.
    """
    for root in _ROOTS:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise DeadheatError(f"this installation lacks {'/'.join(parts)}; install Deadheat again")


def working_lab() -> Path:
    """Give a lab that can be written to: the repository's own, or a copy in the user's cache.

    Raises:
        DeadheatError: this installation is incomplete, or the cache cannot be written.
    """
    lab = resource("lab", "rocket")
    if os.access(lab, os.W_OK) and not lab.is_relative_to(_PACKAGE):
        return lab
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    copy = base / "deadheat" / "lab"
    try:
        shutil.copytree(lab, copy, dirs_exist_ok=True)
    except OSError as error:
        raise DeadheatError(f"{copy} cannot be written: {error.strerror}; set XDG_CACHE_HOME") from error
    return copy
