"""What was asked for is asked for again; a disk without room costs the memory, and not the run."""

from pathlib import Path

import click
import msgspec
import pytest

from deadheat.cli.output import keep
from deadheat.cli.resume import Asked, begun, ended, fingerprints, resumed
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Run, Tool

ASKED = Asked("buyers", "postgres", "python shop.py", 3, "pct", None, 7, "/etc/deadheat.toml", "ci")
RUN = Run(Tool(), "shop")


def test_what_was_asked_for_is_found_again_with_a_larger_budget(tmp_path: Path) -> None:
    store = Store(tmp_path)
    memory = begun(store, tmp_path, "shop", ASKED, 100)
    assert memory is not None
    run = ended(memory, RUN, memory.again)
    assert run.notes == (f"To go on where this ended: deadheat explore {tmp_path} --resume 1",)
    keep(store, run, memory.number)
    again, asked = resumed(store, tmp_path, 1, Asked(), 200)
    assert asked == ASKED
    assert again.budgets == (100, 200)
    assert ended(again, RUN, "").notes == ()
    with pytest.raises(DeadheatError, match="run 1 left nothing to go on with"):
        resumed(store, tmp_path, 1, Asked(), None)


def test_nothing_else_may_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="--resume 4 asks for what run 4 asked for"):
        resumed(Store(tmp_path), tmp_path, 4, Asked(requests=3), None)


def test_an_interrupted_run_is_gone_on_with_whatever_it_had_got_to(tmp_path: Path) -> None:
    memory = begun(Store(tmp_path), tmp_path, "shop", ASKED, 100)
    assert memory is not None
    run = ended(memory, msgspec.structs.replace(RUN, interrupted=True), "")
    assert "--resume 1" in run.notes[0]
    resumed(Store(tmp_path), tmp_path, 1, Asked(), None)[0].end(further=False)


def test_what_is_no_memory_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    memory = begun(store, tmp_path, "shop", ASKED, 100)
    assert memory is not None
    memory.end(further=True)
    store.journal(1).write_bytes(b"")
    with pytest.raises(DeadheatError, match="run 1 ended before it had learned anything"):
        resumed(store, tmp_path, 1, Asked(), None)


def test_where_nothing_can_be_written_it_is_explored_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    (tmp_path / ".deadheat" / "explorations").write_text("a file, and no folder")
    assert begun(store, tmp_path, "shop", ASKED, 100) is None
    assert "cannot be gone on with later" in capsys.readouterr().err
    (tmp_path / ".deadheat" / "runs.sqlite").unlink()
    (tmp_path / ".deadheat" / "runs.sqlite").mkdir()
    keep(store, RUN)
    assert "warning: " in capsys.readouterr().err


def test_a_program_is_known_by_what_is_in_its_files(tmp_path: Path) -> None:
    script = tmp_path / "shop.py"
    script.write_text("first")
    command = ("python", str(script), "autocommit")
    before = fingerprints(command)
    assert [word for word, _ in before] == [str(script)]
    script.write_text("second")
    assert fingerprints(command) != before
