"""Where a project's configuration file is looked for.

Owns the names. It must not read the file: whoever needs nothing of it only asks whether there is one.
"""

from pathlib import Path

NAMES = ("deadheat.toml", ".config/deadheat.toml")
"""Where it is looked for, below the folder of Cargo.toml."""


def configured(project: Path) -> list[Path]:
    """The configuration files of the project folder (or of its Cargo.toml); more than one is a mistake."""
    folder = project.parent if project.is_file() else project
    return [folder / name for name in NAMES if (folder / name).is_file()]
