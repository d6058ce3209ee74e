"""Applications that do not build, start, answer or survive: one clear line, nothing lost."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.power.command import LIMIT, command, deadheat
from tests.power.lab import ROCKET, unoptimised

pytestmark = pytest.mark.rocket

APPLICATION = Path(__file__).parent.parent / "apps" / "misbehaving"
FIXED = "let value = counter.value.fetch_add(1, Ordering::SeqCst) + 1;"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weather") / "misbehaving"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("target", ".deadheat"))
    return folder


@pytest.fixture
def going_wrong(tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration under which the application misbehaves in the named way."""

    def write(how: str, *, ready: float = 30, **more: str) -> Path:
        env = ", ".join(f'{name} = "{value}"' for name, value in {"MISBEHAVE": how, **more}.items())
        file = tmp_path / "deadheat.toml"
        file.write_text(f"[app]\nenv = {{ {env} }}\nready = {ready}\n[explore]\nreplays = 20\n")
        return file

    return write


def test_code_that_does_not_compile_is_shown_as_cargo_shows_it(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".deadheat"))
    main = folder / "src" / "main.rs"
    main.write_text(main.read_text().replace('"added"', "1 + 1"))
    done = deadheat("hunt", folder, "--quiet")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error[E0308]: mismatched types" in done.stderr
    assert "does not compile" in done.stderr
    assert "deadheat_probe" not in done.stderr


def test_a_program_that_exits_says_its_last_words(project: Path, going_wrong: Callable[..., Path]) -> None:
    done = deadheat("hunt", project, "--quiet", "--config", going_wrong("exit"))
    assert done.returncode == 2
    assert "ended before it listened (exit status 3)" in done.stderr
    assert "no license file" in done.stderr


def test_a_program_that_never_answers_is_given_up(project: Path, going_wrong: Callable[..., Path]) -> None:
    done = deadheat("hunt", project, "--quiet", "--config", going_wrong("silent", ready=1))
    assert done.returncode == 2
    assert "did not launch a Rocket server" in done.stderr
    assert "raise `ready`" in done.stderr


def test_a_port_that_is_taken_is_named(project: Path, going_wrong: Callable[..., Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = deadheat("hunt", project, "--quiet", "--config", going_wrong("port", PORT=port))
    assert done.returncode == 2
    assert "port is taken" in done.stderr


def test_a_crash_in_the_middle_of_a_schedule_is_unknown_not_clean(
    project: Path, going_wrong: Callable[..., Path]
) -> None:
    done = deadheat("hunt", project, "--quiet", "--format", "json", "--config", going_wrong("crash"))
    run = json.loads(done.stdout)
    assert done.returncode == 3, done.stderr
    assert any("SIGABRT" in missing["why"] for missing in run["not_tested"])
    crashed = [e for e in run["coverage"]["explorations"] if not e["complete"]]
    assert crashed
    assert all(e["verdict"] != "ok" for e in crashed)
    assert any(e["complete"] for e in run["coverage"]["explorations"]), "the others are explored"


def test_an_unknown_key_is_named_with_the_nearest(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "deadheat.toml"
    file.write_text("[explore]\nreplay = 20\n")
    done = deadheat("hunt", project, "--config", file)
    assert done.returncode == 2
    assert f"{file}:2" in done.stderr
    assert "did you mean `replays`" in done.stderr


def test_a_schedule_of_another_build_says_so_and_as_a_test_it_outlives_the_fix(tmp_path: Path) -> None:
    folder = tmp_path / "counter"
    lab = ROCKET / "counter"
    (folder / "src").mkdir(parents=True)
    main = folder / "src" / "main.rs"
    main.write_text((lab / "src" / "main.rs").read_text())
    (folder / "Cargo.toml").write_text(
        (APPLICATION / "Cargo.toml").read_text().replace("misbehaving", "counter")
    )
    shutil.copy(APPLICATION / "Cargo.lock", folder / "Cargo.lock")
    unoptimised(lab, folder)
    run = json.loads(deadheat("hunt", folder, "--format", "json", "--quiet").stdout)
    name = next(f["evidence"]["schedule"] for f in run["findings"] if f["evidence"])
    written = deadheat("replay", name, folder, "--as-test")
    assert written.returncode == 0, written.stderr

    racy = main.read_text()
    assert cargo_test(written.stdout, folder) != 0
    main.write_text(main.read_text() + "\n// an edit that changes nothing\n")
    same = deadheat("replay", name, folder, "--quiet")
    assert same.returncode == 1
    assert "another build" in same.stderr
    assert f"to search again: deadheat hunt {folder}" in same.stderr

    main.write_text(
        main.read_text().replace("let value = ", "counter.value.load(Ordering::SeqCst); let value = ")
    )
    other = deadheat("replay", name, folder, "--quiet")
    assert other.returncode == 3
    assert "DIVERGED" in other.stdout
    assert f"to search again: deadheat hunt {folder}" in other.stdout

    main.write_text(
        racy.replace("let value = counter.value.load(Ordering::SeqCst) + 1;", "")
        .replace("counter.value.store(value, Ordering::SeqCst);", FIXED)
    )  # fmt: skip
    again = deadheat("replay", name, folder, "--or-explore", "--quiet")
    assert "of the same requests explored, none violates" in again.stdout
    assert again.returncode == 0
    assert cargo_test(written.stdout, folder) == 0


def cargo_test(written: str, folder: Path) -> int:
    """Run the test that `--as-test` wrote, as it says, where `deadheat` is installed."""
    command = written.splitlines()[-1].partition("run it: ")[2].split()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*command, "--quiet"], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, check=False
    ).returncode


def test_an_interrupt_leaves_no_process_and_keeps_what_was_found(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "deadheat.toml"
    file.write_text("[explore]\nrequests = [2, 5]\nreplays = 20\n")
    hunt = subprocess.Popen(
        command("hunt", project, "--format", "json", "--config", file),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert hunt.stderr is not None
        for line in hunt.stderr:
            # Between two scenarios the application is started anew: not every line finds it running.
            if line.startswith("explored") and running(project):
                break
        hunt.send_signal(signal.SIGINT)
        output, _ = hunt.communicate(timeout=LIMIT)
    finally:
        hunt.kill()
    run = json.loads(output)
    assert run["coverage"]["interrupted"]
    assert run["coverage"]["explorations"]
    assert hunt.returncode in {1, 3}
    assert not running(project)


def running(project: Path) -> list[str]:
    """The processes whose program lies below the project's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/exe"):
        try:
            program = str(entry.readlink())
        except OSError:
            continue  # it ended, or is not ours to look at
        if program.startswith(str(project)):
            found.append(program)
    return found
