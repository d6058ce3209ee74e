"""What cargo says is understood, and nothing it started outlives an interrupt."""

from pathlib import Path

import msgspec
import pytest

from deadheat.io.cargo_run import Diagnostic, Outcome, ask, compile_

ARTIFACT = (
    '{"reason":"compiler-artifact","package_id":"p","target":{"name":"app","kind":["bin"]},'
    '"executable":"/t/app","fresh":false}'
)
ERROR = (
    '{"reason":"compiler-message","package_id":"p","target":{"name":"app","kind":["bin"]},"message":'
    '{"level":"error","message":"no","rendered":"error: no\\n","spans":[],"children":[],"code":null}}'
)


def shell(
    script: str, tmp_path: Path, seen: list[tuple[str, int, int]] | None = None, total: int = 0
) -> Outcome:
    def progress(name: str, done: int, of: int) -> None:
        if seen is not None:
            seen.append((name, done, of))

    return compile_(["sh", "-c", script], tmp_path, {}, total, progress)


def test_executables_and_progress(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    outcome = shell(f"echo noise; echo '{{}}'; echo '{ARTIFACT}'; echo '{ARTIFACT}'", tmp_path, seen, 3)
    assert outcome.ok
    assert outcome.executables == {"app": Path("/t/app")}
    assert seen == [("app", 1, 3), ("app", 1, 3)]


def test_errors_are_shown_as_rendered(tmp_path: Path) -> None:
    outcome = shell(f"printf '%s\\n' '{ERROR}'; exit 101", tmp_path)
    assert (outcome.ok, outcome.rendered) == (False, "error: no")


def test_without_errors_it_is_what_was_said(tmp_path: Path) -> None:
    outcome = shell("echo 'error: no network' >&2; exit 101", tmp_path)
    assert (outcome.ok, outcome.rendered) == (False, "error: no network")


def test_places_lead_out_of_macros_and_the_primary_comes_first() -> None:
    def span(start: int, **more: object) -> dict[str, object]:
        return {"file_name": "a.rs", "byte_start": start, "byte_end": start + 1, **more}

    diagnostic = msgspec.convert(
        {
            "level": "error", "message": "m",
            "spans": [span(1), span(2, is_primary=True, expansion={"span": span(3)})],
            "children": [{"level": "note", "message": "n", "spans": [span(4)]}],
        },
        Diagnostic,
    )  # fmt: skip
    assert [place.byte_start for place in diagnostic.places()] == [2, 3, 1, 4]


def test_an_interrupt_ends_all_children(tmp_path: Path) -> None:
    artifact = '{"reason":"compiler-artifact","package_id":"p","target":{"name":"%s"}}'
    started: list[int] = []

    def interrupt(name: str, _done: int, _of: int) -> None:
        started.append(int(name))
        raise KeyboardInterrupt

    script = f"sleep 600 & printf '{artifact}\\n' $!; wait"
    with pytest.raises(KeyboardInterrupt):
        compile_(["sh", "-c", script], tmp_path, {}, 0, interrupt)
    (child,) = started
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"  # ended, and perhaps nobody has asked yet


def test_ask_gives_status_output_and_speech(tmp_path: Path) -> None:
    assert ask(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path) == (3, b"out\n", "err\n")
