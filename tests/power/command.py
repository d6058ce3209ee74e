"""The command line as a user runs it: a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LIMIT = 600  # seconds; a first build compiles Rocket


def deadheat(
    *words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `deadheat WORDS` to its end."""
    return subprocess.run(
        command(*words), cwd=cwd, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def command(*words: str | Path) -> list[str]:
    """Give the command line of `deadheat WORDS` in this environment."""
    return [sys.executable, "-m", "deadheat", *map(str, words)]
