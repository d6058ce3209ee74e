"""What a user can get wrong without cargo: one clear line, exit code 2."""

from pathlib import Path

import pytest

from tests.power.command import deadheat


def test_no_cargo_toml(tmp_path: Path) -> None:
    done = deadheat("hunt", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no Cargo.toml" in done.stderr
    assert str(tmp_path) in done.stderr


def test_no_routes(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text("fn main() {}\n")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "empty"\nversion = "0.1.0"\n')
    for verb in ("hunt", "scan"):
        done = deadheat(verb, tmp_path)
        assert done.returncode == 2
        assert "no Rocket routes" in done.stderr


def test_a_manifest_that_is_not_toml(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[package\n")
    done = deadheat("scan", tmp_path)
    assert done.returncode == 2
    assert "Cargo.toml" in done.stderr


def test_a_schedule_that_does_not_exist(tmp_path: Path) -> None:
    done = deadheat("replay", "dh1:000000:AB", tmp_path)
    assert done.returncode == 2
    assert "no schedule dh1:000000:AB" in done.stderr
    assert "deadheat hunt" in done.stderr


def test_a_schedule_file_that_is_something_else(tmp_path: Path) -> None:
    file = tmp_path / "note.json"
    file.write_text('{"hello": 1}')
    done = deadheat("replay", file)
    assert done.returncode == 2
    assert f"{file} is not a schedule file" in done.stderr


@pytest.mark.parametrize("words", [("--format", "yaml"), ("--report", "json"), ("--report", "csv=x")])
def test_options_that_mean_nothing(words: tuple[str, str], tmp_path: Path) -> None:
    done = deadheat("scan", tmp_path, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    lab = Path(__file__).parent.parent.parent / "lab" / "rocket" / "counter"
    done = deadheat("scan", lab, "--report", f"json={tmp_path}/no/such/folder.json")
    assert done.returncode == 2
    assert "folder.json: the report cannot be written" in done.stderr


def test_an_unknown_rule_is_met_with_the_nearest() -> None:
    done = deadheat("explain", "chek-then-act")
    assert done.returncode == 2
    assert "did you mean check-then-act?" in done.stderr
