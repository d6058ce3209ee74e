"""Records are whole or not there, and one process writes."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.io.journal import Journal
from deadheat.model import DeadheatError


@pytest.fixture(autouse=True, scope="module")
def unhurried() -> Iterator[None]:
    """Nobody pulls the plug here: not to wait for the disk hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_a_torn_record_is_none_and_the_next_takes_its_place(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "1.journal"
    journal = Journal(path, create=True)
    for record in records:
        journal.append(record)
    journal.close()
    cut = data.draw(st.integers(0, len(records[-1]) + 7))
    os.truncate(path, path.stat().st_size - len(records[-1]) - 8 + cut)
    journal = Journal(path, create=False)
    assert journal.records() == records[:-1]
    journal.append(b"another")
    assert journal.records() == [*records[:-1], b"another"]
    journal.discard()
    assert not path.exists()


def test_a_damaged_record_and_what_follows_are_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "1.journal", create=True)
    for record in (b"first", b"second", b"third"):
        journal.append(record)
    journal.close()
    data = (tmp_path / "1.journal").read_bytes()
    (tmp_path / "1.journal").write_bytes(data.replace(b"second", b"sec0nd"))
    journal = Journal(tmp_path / "1.journal", create=False)
    assert journal.records() == [b"first"]
    journal.close()


def test_two_processes_do_not_write_one(tmp_path: Path) -> None:
    first = Journal(tmp_path / "7.journal", create=True)
    with pytest.raises(DeadheatError, match="run 7 is still going on in another process"):
        Journal(tmp_path / "7.journal", create=False)
    first.close()
    Journal(tmp_path / "7.journal", create=False).close()


def test_what_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    Journal(tmp_path / "3.journal", create=True).close()
    with pytest.raises(DeadheatError, match="run 4 left nothing to go on with; others did: 3"):
        Journal(tmp_path / "4.journal", create=False)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "1.journal", create=True)
    journal.append(b"kept")
    write = os.write

    def full(file: int, data: memoryview) -> int:
        if len(data) > 5:
            return write(file, data[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            journal.append(b"lost")
    journal.append(b"more")
    assert journal.records() == [b"kept", b"more"]
    journal.close()


def test_the_oldest_are_let_go_but_not_those_in_use(tmp_path: Path) -> None:
    used = Journal(tmp_path / "1.journal", create=True)
    for number in range(2, 14):
        Journal(tmp_path / f"{number}.journal", create=True).close()
        os.utime(tmp_path / f"{number}.journal", (number, number))
    os.utime(tmp_path / "1.journal", (1, 1))
    Journal(tmp_path / "14.journal", create=True).close()
    left = sorted(int(file.stem) for file in tmp_path.glob("*.journal"))
    assert left == [1, 7, 8, 9, 10, 11, 12, 13, 14]
    used.close()
