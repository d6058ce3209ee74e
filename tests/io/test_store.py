"""Runs have numbers, and files appear whole or not at all."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deadheat.engine.evidence import filed
from deadheat.io.store import SavedSchedule, Store
from deadheat.model import NotTested, Outcome, Run, Scenario, Schedule, Tool

RUN = Run(Tool(), "shop")
SCHEDULE = SavedSchedule(
    1, "dh1:0:AB", "shop", "", Scenario("s", ()), Schedule(()), Outcome(()), "check-then-act", False, "20/20"
)


def test_a_reserved_number_is_filled_in(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_run(RUN)
    number = store.reserve_run("shop")
    store.save_run(RUN)
    store.save_run(RUN, number)
    with closing(sqlite3.connect(store.root / "runs.sqlite")) as database:
        rows = database.execute("SELECT id, run != '' FROM run ORDER BY id").fetchall()
    assert rows == [(1, 1), (2, 1), (3, 1)]
    assert number == 2


def test_a_schedule_that_has_no_room_is_missing_and_no_half_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    assert filed(store, SCHEDULE) is None

    def full(path: Path, data: bytes) -> int:
        path.open("wb").close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    missing = filed(store, SCHEDULE)
    assert isinstance(missing, NotTested)
    assert missing.what == "replaying dh1:0:AB"
    assert "No space left on device; make room" in missing.why
    assert [file.name for file in (store.root / "schedules").iterdir()] == ["dh1-0-AB.json"]
