"""Paths in sources that climb out of the project."""

from pathlib import Path

import pytest

from deadheat.io.around import levels, place
from deadheat.io.tree import entries


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project two folders below the root of its repository."""
    for name, text in {
        "page.html": "hello",
        "web/assets/a.css": "",
        "web/server/Cargo.toml": "",
        "web/server/src/main.rs": "",
        "web/server/src/deep/mod.rs": 'const OWN: &str = include_str!("../main.rs");',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / ".git").mkdir()
    return tmp_path / "web" / "server"


@pytest.mark.parametrize(
    ("text", "high"),
    [
        ('const P: &str = include_str!("../Cargo.toml");', 1),  # from the package it would leave
        ('embed_migrations!("../assets")', 1),
        ('concat!(env!("CARGO_MANIFEST_DIR"), "/../../page.html")', 2),
        ('let attack = "../../../../../etc/passwd";', 2),  # not beyond the repository
        ('let range = "a/../b";', 0),
    ],
)
def test_it_counts_the_folders_above_the_root(root: Path, text: str, high: int) -> None:
    (root / "src" / "deep" / "mod.rs").write_text("", "utf-8")
    (root / "src" / "main.rs").write_text(text, "utf-8")
    assert levels(root, entries(root)) == high


def test_a_project_that_stays_inside_has_its_copy_right_below(root: Path, tmp_path: Path) -> None:
    (root / "src" / "deep" / "mod.rs").write_text("", "utf-8")
    assert levels(root, entries(root)) == 0
    assert place(root, tmp_path / "home", 0) == tmp_path / "home" / "tree"


def test_neighbours_are_found_from_the_copy_and_follow_the_original(root: Path) -> None:
    home = root / ".deadheat" / "build" / "server"
    copy = place(root, home, 2)
    for _ in range(2):  # a second time changes nothing
        assert place(root, home, 2) == copy
        copy.mkdir(exist_ok=True)
        assert (copy / "../../page.html").read_text("utf-8") == "hello"
        assert (copy / "../assets/a.css").is_file()
        assert not (copy.parent / "server").is_symlink()
    (root.parent / "assets").rename(root.parent / "styles")
    assert (place(root, home, 2) / "../styles/a.css").is_file()
    assert not (copy / "../assets").exists()
