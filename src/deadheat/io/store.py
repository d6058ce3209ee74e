"""State on disk: `.deadheat/` beside the workspace manifest.

Owns the folder's layout: `runs.sqlite` (every run, as JSON), `schedules/` (one file each, the
name is what `deadheat replay` takes), `explorations/` (what an unfinished run has learned, see
`io.journal`), `build/` (probed copies, see `io.cargo`), `logs/`. The folder carries a `.gitignore` of
its own. Files appear whole or not at all.
"""

import errno
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from deadheat.model import DeadheatError, Run, Scenario, Schedule
from deadheat.model.verdict import Outcome

FORMAT = 1


class SavedSchedule(msgspec.Struct, frozen=True):
    """A schedule with everything that running it again takes.

    `location` is the package's folder relative to the workspace, or `embedded:NAME`; `build`
    identifies the probed source it was found on; `expected` is the outcome it forced;
    `deadlock` says that the outcome is that nobody answers; `replayed` how often it did so;
    `points` tell, by its identity, where each step is taken, or what statement it sends. `via` is what held
    the requests, and `command` starts an unmodified application.
    """

    format: int
    id: str
    location: str
    build: str
    scenario: Scenario
    schedule: Schedule
    expected: Outcome
    rule: str
    deadlock: bool
    replayed: str
    points: tuple[tuple[str, str], ...] = ()
    via: str = "probes"
    command: tuple[str, ...] = ()


class Store:
    """The `.deadheat/` folder of one workspace."""

    def __init__(self, workspace: Path) -> None:
        """Make the folder if needed.

        Raises:
            DeadheatError: it cannot be written.
        """
        self.workspace = workspace
        self.root = workspace / ".deadheat"
        try:
            for folder in (self.root, self.root / "schedules", self.root / "logs"):
                folder.mkdir(exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise _unwritable(self.root, error) from error

    def save_schedule(self, saved: SavedSchedule) -> Path:
        """Write a schedule file; give its path.

        Raises:
            DeadheatError: it cannot be written.
        """
        path = self.schedule_file(saved.id)
        try:
            _write(path, msgspec.json.format(msgspec.json.encode(saved)))
        except OSError as error:
            raise _unwritable(path, error) from error
        return path

    def schedule_file(self, schedule_id: str) -> Path:
        """Give the path of the file of one schedule, whether it is there or not."""
        return self.root / "schedules" / f"{file_name(schedule_id)}.json"

    def save_test(self, saved: SavedSchedule, name: str, text: str, folder: str) -> tuple[Path, Path]:
        """Write a test of the package that a schedule is of, and the schedule beside it in `folder`.

        Raises:
            DeadheatError: the package's `tests` folder cannot be written.
        """
        package = self.workspace / saved.location
        test = package / "tests" / f"{name}.rs"
        kept = package / folder / f"{file_name(saved.id)}.json"
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, msgspec.json.format(msgspec.json.encode(saved)))
            _write(test, text.encode())
        except OSError as error:
            raise DeadheatError(f"{error.filename}: {error.strerror}; mend its permissions") from error
        return test, kept

    def reserve_run(self, target: str) -> int:
        """Give a number to a run that begins; `save_run` says what became of it.

        Raises:
            DeadheatError: it cannot be written.
        """
        with _database(self.root) as database:
            row = (time.time(), target, 0, "")
            added = database.execute("INSERT INTO run (at, target, findings, run) VALUES (?, ?, ?, ?)", row)
            assert added.lastrowid is not None
            return added.lastrowid

    def save_run(self, run: Run, number: int | None = None) -> None:
        """Append a run to the run store, or fill in the one whose `number` was reserved.

        Raises:
            DeadheatError: it cannot be written.
        """
        row = (number, time.time(), run.target, len(run.findings), msgspec.json.encode(run).decode())
        with _database(self.root) as database:
            database.execute(
                "INSERT OR REPLACE INTO run (id, at, target, findings, run) VALUES (?, ?, ?, ?, ?)", row
            )

    def journal(self, number: int) -> Path:
        """Give the path of what a run has learned, for whoever goes on with it."""
        return self.root / "explorations" / f"{number}.journal"

    def socket(self) -> Path:
        """Give a path for a control socket: short, private to us, and ours alone."""
        # A unix socket path has at most 107 bytes (unix(7)), and projects lie deep.
        folder = Path(tempfile.mkdtemp(prefix="deadheat-"))
        return folder / "control"

    def log(self, name: str) -> Path:
        """Give the path of a log file."""
        return self.root / "logs" / f"{name}.log"


@contextmanager
def _database(root: Path) -> Iterator[sqlite3.Connection]:
    """Open the run store for one transaction."""
    try:
        with closing(sqlite3.connect(root / "runs.sqlite")) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, at REAL NOT NULL,"
                " target TEXT NOT NULL, findings INTEGER NOT NULL, run TEXT NOT NULL)"
            )
            yield database
    except sqlite3.Error as error:
        raise DeadheatError(
            f"{root / 'runs.sqlite'}: the run cannot be kept: {error}; make room, or remove the file if it is"
            " broken"
        ) from error


def find_schedule(path: Path, name: str) -> tuple[Store, SavedSchedule]:
    """Find a schedule by the path of its file, or by its id at or a few folders below `path`.

    Raises:
        DeadheatError: there is none, or the file is not one.
    """
    file = Path(name)
    if not file.is_file():
        folders = _schedule_folders(path)
        found = [f for folder in folders if (f := folder / f"{file_name(name)}.json").is_file()]
        if not found:
            known = sorted(file.stem for folder in folders for file in folder.glob("*.json"))
            have = f"; there are {', '.join(known[:6])}" if known else "; `deadheat hunt` makes them"
            raise DeadheatError(f"no schedule {name} at or below {path}{have}")
        file = found[0]
    try:
        saved = msgspec.json.decode(file.read_bytes(), type=SavedSchedule)
    except (msgspec.DecodeError, OSError) as error:
        raise DeadheatError(f"{file} is not a schedule file: {error}") from error
    if saved.format != FORMAT:
        raise DeadheatError(f"{file} has format {saved.format}, this Deadheat reads {FORMAT}: hunt again")
    return Store(_workspace_of(file.resolve(), path.resolve(), saved.location)), saved


def _workspace_of(file: Path, path: Path, location: str) -> Path:
    """The workspace of a schedule file: where it was written, or, once moved, around `path`."""
    if file.parts[-3:-1] == (".deadheat", "schedules"):
        return file.parents[2]
    for folder in (path, *path.parents):
        if (folder / location / "Cargo.toml").is_file():
            return folder
    raise DeadheatError(
        f"{file} was recorded on `{location}`, which is not at or above {path}; name its folder"
    )


def _schedule_folders(path: Path) -> list[Path]:
    above = [folder / ".deadheat" / "schedules" for folder in (path.resolve(), *path.resolve().parents)]
    below = [f for depth in range(1, 4) for f in path.glob("*/" * depth + ".deadheat/schedules")]
    return [folder for folder in (*above, *below) if folder.is_dir()]


def file_name(schedule_id: str) -> str:
    """Give the file name of a schedule id: `dh1:7f:ABAB` is kept in `dh1-7f-ABAB.json`."""
    return schedule_id.replace(":", "-").replace("/", "-")


def _unwritable(path: Path, error: OSError) -> DeadheatError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    mend = "make room" if full else "mend its permissions"
    return DeadheatError(f"{path} cannot be written: {error.strerror}; {mend}")


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}.draft")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
