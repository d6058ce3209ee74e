"""Which files make up a project."""

from pathlib import Path

import pytest

from deadheat.io.source import load
from deadheat.model import ProjectError


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


PACKAGE = '[package]\nname = "{}"\nversion = "0.1.0"\n'


def test_a_package_with_its_path_dependencies(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["web", "db", "unused"]\n'
            '[workspace.dependencies]\ndb = { path = "db" }\n',
            "web/Cargo.toml": PACKAGE.format("web") + "[dependencies]\ndb.workspace = true\n",
            "web/src/main.rs": "fn main() {}",
            "web/src/deep/mod.rs": "",
            "web/tests/it.rs": "",
            "web/build.rs": "",
            "web/target/debug/generated.rs": "",
            "db/Cargo.toml": PACKAGE.format("db"),
            "db/src/lib.rs": "",
            "unused/Cargo.toml": PACKAGE.format("unused"),
            "unused/src/lib.rs": "",
        },
    )
    tree = load(tmp_path / "web")
    assert tree.root_package == "web"
    assert sorted(tree.files) == ["db/src/lib.rs", "web/src/deep/mod.rs", "web/src/main.rs"]
    assert sorted(tree.manifests) == ["Cargo.toml", "db/Cargo.toml", "web/Cargo.toml"]
    assert load(tmp_path / "web" / "Cargo.toml") == tree


def test_a_virtual_workspace_is_all_its_members(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
            "crates/a/Cargo.toml": PACKAGE.format("a"),
            "crates/a/src/lib.rs": "",
            "crates/b/Cargo.toml": PACKAGE.format("b"),
            "crates/b/src/lib.rs": "",
        },
    )
    tree = load(tmp_path)
    assert tree.root_package == ""
    assert sorted(tree.files) == ["crates/a/src/lib.rs", "crates/b/src/lib.rs"]


def test_the_migration_crate_of_the_root_is_read_for_its_schema_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Cargo.toml": PACKAGE.format("shop"),
            "src/main.rs": "",
            "migration/Cargo.toml": PACKAGE.format("migration"),
            "migration/src/m1_create.rs": "",
        },
    )
    tree = load(tmp_path)
    assert sorted(tree.files) == ["src/main.rs"]
    assert sorted(tree.sql) == ["migration/src/m1_create.rs"]


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no Cargo\.toml here"):
        load(tmp_path)


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"Cargo.toml": "[package\n"})
    with pytest.raises(ProjectError, match=r"Cargo\.toml: not a valid manifest"):
        load(tmp_path)
