"""The house rules that no tool of the trade checks.

Layers are import-linter's, style is ruff's; here stands what they cannot see: files opened through
``pathlib`` below io, dependencies said twice, machine facts in files that travel, what the wheel holds.
"""

import ast
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "deadheat"
MAY_TOUCH_FILES = {"campaign", "cli", "engine", "io", "web", "pytest_plugin"}
FILE_CALLS = {
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "exists",
    "is_file", "is_dir", "mkdir", "unlink", "rmdir", "stat", "resolve", "cwd",
}  # fmt: skip


def file_calls(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each call that opens or asks for a file, by builtin or by a Path."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id == "open":
                yield node.lineno, "open"
            if isinstance(function, ast.Attribute) and function.attr in FILE_CALLS - {"open", "resolve"}:
                yield node.lineno, function.attr


def test_file_calls_are_seen() -> None:
    assert list(file_calls("Path('x').read_text()\nopen('y')\nself.walk()")) == [
        (1, "read_text"),
        (2, "open"),
    ]


def test_nothing_below_io_opens_a_file() -> None:
    below = [
        path
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in MAY_TOUCH_FILES
    ]
    assert below
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in below
        for line, name in file_calls(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def requirement_names(lines: Iterator[str] | list[str]) -> set[str]:
    """The project names of requirement lines, without versions, comments and options."""
    matches = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in lines)
    return {match.group().lower() for match in matches if match}


def test_runtime_dependencies_are_pinned_imported_and_argued() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = requirement_names(project["dependencies"])
    listed = requirement_names((ROOT / "requirements/runtime.in").read_text(encoding="utf-8").splitlines())
    pinned = requirement_names((ROOT / "requirements/runtime.txt").read_text(encoding="utf-8").splitlines())
    argued = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")
    assert declared == listed
    assert declared <= pinned
    assert {name for name in declared if f"**{name}**" not in argued} == set()


def test_extras_are_in_a_working_copy_and_argued() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = requirement_names((ROOT / "requirements/dev.in").read_text(encoding="utf-8").splitlines())
    argued = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")
    for extra, needed in project["optional-dependencies"].items():
        names = requirement_names(needed)
        assert names <= listed
        assert {name for name in names if f"**{name}** `[{extra}]`" not in argued} == set()


def test_the_pins_of_a_working_copy_are_those_of_an_install() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", text, flags=re.MULTILINE))

    assert pins("runtime.txt") - pins("dev.txt") == set()


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_pins_name_no_address_and_no_machine(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    strange = [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9][^/:]* \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
    ]
    assert lines
    assert strange == []


def files_of(folder: Path) -> Iterator[str]:
    """What a folder ships: everything but what is built in it."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in {"target", ".deadheat", "__pycache__"}:
            yield from files_of(path)
        elif path.is_file():
            yield path.relative_to(ROOT).as_posix()


def test_the_wheel_carries_the_probe_crate_and_the_lab_and_no_build(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    data = {name.removeprefix("deadheat/_data/") for name in names if name.startswith("deadheat/_data/")}
    folders = ("crates/deadheat-probe", "lab/rocket", "lab/databases", "lab/embedded")
    assert data == {file for folder in folders for file in files_of(ROOT / folder)}
    assert {"crates/deadheat-probe/Cargo.toml", "lab/rocket/Cargo.toml", "lab/rocket/Cargo.lock"} <= data
    assert "deadheat/py.typed" in names
    assert "deadheat/model/__init__.py" in names
