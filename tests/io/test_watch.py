"""What changed since the last look."""

from collections.abc import Callable, Iterator
from pathlib import Path

from deadheat.io.watch import changed, changes, look


def script(*steps: Callable[[], object]) -> Callable[[], bool]:
    """A `wait` that does something between looks and says stop at the end."""
    pending: Iterator[Callable[[], object]] = iter(steps)

    def wait() -> bool:
        step = next(pending, None)
        if step is None:
            return True
        step()
        return False

    return wait


def nothing() -> None:
    """No change."""


def test_only_source_is_looked_at(tmp_path: Path) -> None:
    for name in ("src/main.rs", "target/x.rs", ".git/y.rs", "Cargo.toml", "README.md", "migrations/1.sql"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    names = {Path(path).relative_to(tmp_path).as_posix() for path in look(tmp_path)}
    assert names == {"src/main.rs", "Cargo.toml", "migrations/1.sql"}


def test_added_removed_written() -> None:
    before = {"a": (1, 1), "b": (1, 1), "c": (1, 1)}
    after = {"a": (1, 1), "b": (2, 1), "d": (1, 1)}
    assert changed(before, after) == {"b", "c", "d"}


def test_a_save_of_several_files_is_one_change(tmp_path: Path) -> None:
    one, two = tmp_path / "one.rs", tmp_path / "two.rs"
    one.write_text("a")
    seen = list(
        changes(
            tmp_path,
            script(nothing, lambda: one.write_text("ab"), lambda: two.write_text("c"), nothing, nothing),
        )
    )
    assert seen == [{str(one), str(two)}]


def test_a_file_that_comes_and_goes_at_once_is_none(tmp_path: Path) -> None:
    swap = tmp_path / "swap.rs"
    assert list(changes(tmp_path, script(lambda: swap.write_text(""), swap.unlink, nothing, nothing))) == []
