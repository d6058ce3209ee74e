"""Looks at state from outside HTTP: a query that reads, or a command's output.

Owns these connections and processes. It must not know why it looks. SQLite files are opened
read-only; Postgres is asked through `psql`, in a transaction that may not write.
"""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from deadheat.model import CommandProbe, SqlProbe, TargetError

_TIMEOUT = 10.0


def query(probe: SqlProbe) -> str:
    """The rows of a query as text, one a line, columns separated by `|`.

    Raises:
        TargetError: the database cannot be reached or refuses the query.
    """
    if probe.database.startswith("sqlite:"):
        return _sqlite(probe)
    command = ("psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", probe.database)
    text = f"BEGIN TRANSACTION READ ONLY;\n{probe.query.rstrip().rstrip(';')};\nCOMMIT;\n"
    return _run(probe.name, (*command, "--quiet"), text)


def run(probe: CommandProbe) -> str:
    """What a command prints.

    Raises:
        TargetError: it cannot be run, fails, or takes too long.
    """
    return _run(probe.name, probe.run)


def command(words: tuple[str, ...]) -> str:
    """Run a command of the user's and give what it prints.

    Raises:
        TargetError: it cannot be run, fails, or takes too long.
    """
    return _run(words[0], words)


def _sqlite(probe: SqlProbe) -> str:
    path = probe.database.removeprefix("sqlite:").removeprefix("//")
    if not Path(path).is_file():
        raise TargetError(f"{probe.name}: there is no database {path}")
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=_TIMEOUT)) as database:
            rows = database.execute(probe.query).fetchall()
    except sqlite3.Error as error:
        raise TargetError(f"{probe.name}: {error}") from error
    return "\n".join("|".join("" if cell is None else str(cell) for cell in row) for row in rows)


def _run(name: str, words: tuple[str, ...], text: str = "") -> str:
    try:
        done = subprocess.run(
            words, input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise TargetError(f"{name}: {words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise TargetError(f"{name}: {words[0]} took longer than {_TIMEOUT:g} s") from None
    except OSError as error:
        raise TargetError(f"{name}: {words[0]} cannot be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise TargetError(f"{name}: {words[0]} failed: {said[-1] if said else done.returncode}")
    return done.stdout.rstrip("\n")
