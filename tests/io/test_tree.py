"""The copy of a project is whole, fresh, and written only where it must be."""

import os
from pathlib import Path

from deadheat.io.tree import entries, fingerprint, make_cache, mirror, write


def project(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def names(root: Path) -> list[str]:
    return [entry.name for entry in entries(root)]


def test_build_products_and_histories_are_skipped(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        {
            "Cargo.toml": "", "src/main.rs": "", ".cargo/config.toml": "", "templates/a.html": "",
            "target/debug/x": "", ".git/HEAD": "", ".deadheat/x": "", "made/CACHEDIR.TAG": "", "made/x": "",
        },
    )  # fmt: skip
    assert names(root) == [".cargo/config.toml", "Cargo.toml", "src/main.rs", "templates/a.html"]


def test_linked_directories_belong_to_the_project(tmp_path: Path) -> None:
    project(tmp_path / "elsewhere", {"deep/a.rs": "a"})
    root = project(tmp_path / "root", {"src/main.rs": ""})
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "src" / "again").symlink_to(root)
    assert names(root) == ["linked/deep/a.rs", "src/main.rs"]


def test_the_fingerprint_goes_by_content(tmp_path: Path) -> None:
    root = project(tmp_path, {"a.rs": "one"})
    before = fingerprint(entries(root))
    os.utime(root / "a.rs", (1, 1))
    assert fingerprint(entries(root)) == before
    (root / "a.rs").write_text("two", "utf-8")
    assert fingerprint(entries(root)) != before


def test_unchanged_files_keep_their_times(tmp_path: Path) -> None:
    root = project(tmp_path / "root", {"a.rs": "a", "b.rs": "b", "c/d.rs": "d"})
    copy = tmp_path / "copy"
    mirror(entries(root), copy, {"b.rs": b"changed"}, frozenset())
    for entry in entries(copy):
        os.utime(entry.path, (1, 1))
    (root / "a.rs").write_text("new", "utf-8")
    mirror(entries(root), copy, {"b.rs": b"changed"}, frozenset())
    written = [entry.name for entry in entries(copy) if entry.path.stat().st_mtime > 1]
    assert written == ["a.rs"]
    assert (copy / "b.rs").read_bytes() == b"changed"


def test_what_is_gone_is_removed_except_what_is_kept(tmp_path: Path) -> None:
    root = project(tmp_path / "root", {"a.rs": ""})
    copy = project(tmp_path / "copy", {"old.rs": "", "Cargo.lock": "x"})
    mirror(entries(root), copy, {}, frozenset({"Cargo.lock"}))
    assert names(copy) == ["Cargo.lock", "a.rs"]


def test_large_files_are_copied_once(tmp_path: Path) -> None:
    root = project(tmp_path / "root", {"big.bin": "x" * ((1 << 20) + 1)})
    copy = tmp_path / "copy"
    mirror(entries(root), copy, {}, frozenset())
    before = (copy / "big.bin").stat().st_ino, (copy / "big.bin").stat().st_ctime_ns
    mirror(entries(root), copy, {}, frozenset())
    assert ((copy / "big.bin").stat().st_ino, (copy / "big.bin").stat().st_ctime_ns) == before


def test_write_tells_whether_it_had_to(tmp_path: Path) -> None:
    assert write(tmp_path / "a" / "b", b"x")
    assert not write(tmp_path / "a" / "b", b"x")
    assert write(tmp_path / "a" / "b", b"y")


def test_what_can_be_made_again_is_marked_so(tmp_path: Path) -> None:
    root = project(tmp_path, {"Cargo.toml": ""})
    made = make_cache(root / "made")
    write(made / "deep" / "x", b"")
    assert names(root) == ["Cargo.toml"]
    (root / "theirs").mkdir()
    make_cache(root / "theirs")
    assert list((root / "theirs").iterdir()) == []
