"""Reading a Cargo project's text from disk.

Owns which files belong to a review: those of the package and of the packages it depends on by
path, tests, benches, examples and build products excluded. It must not know what is in them
beyond the manifests' dependency tables (the Cargo book, "Workspaces" and "Specifying path
dependencies").
"""

import os
import posixpath
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import cast

from deadheat.model import ProjectError
from deadheat.rust.tree import SourceTree

_NOT_SOURCE = frozenset({"target", "tests", "benches", "examples", "node_modules"})
_SCHEMA_LIMIT = 1_000_000  # bytes; a larger .sql file is a dump, not a migration
_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")

_Table = dict[str, object]


def load(path: Path) -> SourceTree:
    """Read the package at `path` (a directory, or its Cargo.toml) and its path dependencies.

    Raises:
        ProjectError: there is no Cargo.toml, or one that cannot be read or parsed.
    """
    package = (path.parent if path.name == "Cargo.toml" else path).resolve()
    manifest_path = package / "Cargo.toml"
    if not manifest_path.is_file():
        raise ProjectError(f"{path}: no Cargo.toml here; name the directory of a Cargo package")
    root = workspace_root(package)
    manifests: dict[str, bytes] = {}
    files: dict[str, bytes] = {}
    sql: dict[str, bytes] = {}
    unreadable: list[tuple[str, str]] = []
    workspace = _parse(root / "Cargo.toml", root, manifests)
    pending = [package]
    if package == root and "package" not in workspace:
        pending = _members(root, workspace)
    seen: set[Path] = set()
    while pending:
        directory = pending.pop()
        if directory in seen or not (directory / "Cargo.toml").is_file():
            continue
        seen.add(directory)
        manifest = _parse(directory / "Cargo.toml", root, manifests)
        _read_files(directory, root, files, unreadable, sql)
        pending += _path_dependencies(directory, manifest, root, workspace)
    if (root / "migrations").is_dir() and root not in seen:  # a workspace often keeps them at its root
        _read_files(root / "migrations", root, {}, [], sql)
    if (root / "migration").is_dir() and root / "migration" not in seen:  # sea-orm's, nobody's dependency
        _read_files(root / "migration", root, sql, unreadable, sql)
    relative = _relative(package, root)
    return SourceTree("" if relative == "." else relative, manifests, files, tuple(unreadable), sql)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _parse(path: Path, root: Path, manifests: dict[str, bytes]) -> _Table:
    try:
        content = path.read_bytes()
        parsed = tomllib.loads(content.decode())
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # TOML and UTF-8 errors alike
        raise ProjectError(f"{path}: not a valid manifest: {error}") from error
    manifests[_relative(path, root)] = content
    return cast("_Table", parsed)


def _table(value: object) -> _Table:
    return cast("_Table", value) if isinstance(value, dict) else {}


def workspace_root(package: Path) -> Path:
    """The nearest directory upwards whose manifest has a `[workspace]` that takes us in."""
    for directory in (package, *package.parents):
        manifest = directory / "Cargo.toml"
        if not manifest.is_file():
            continue
        try:
            parsed = tomllib.loads(manifest.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        workspace = parsed.get("workspace")
        if isinstance(workspace, dict):
            excluded = [str(name) for name in workspace.get("exclude", [])]
            inside = _relative(package, directory)
            taken = not any(inside == name or inside.startswith(name + "/") for name in excluded)
            return directory if taken else package
    return package


def _members(root: Path, workspace: _Table) -> list[Path]:
    listed = _table(workspace.get("workspace"))
    members = listed.get("members")
    excluded = listed.get("exclude")
    found: list[Path] = []
    for pattern in members if isinstance(members, list) else []:
        found += [path for path in sorted(root.glob(str(pattern))) if (path / "Cargo.toml").is_file()]
    out = {root / str(name) for name in excluded} if isinstance(excluded, list) else set()
    return [path for path in found if path not in out]


def _path_dependencies(package: Path, manifest: _Table, root: Path, workspace: _Table) -> list[Path]:
    shared = _table(_table(workspace.get("workspace")).get("dependencies"))
    found: list[Path] = []
    for table in _TABLES[:1]:
        for name, value in _table(manifest.get(table)).items():
            dependency, base = _table(value), package
            if dependency.get("workspace") is True:
                dependency, base = _table(shared.get(name)), root
            where = dependency.get("path")
            if isinstance(where, str):
                target = Path(os.path.normpath(base / where))
                if target.is_relative_to(root):
                    found.append(target)
    return found


def _read_files(
    package: Path,
    root: Path,
    files: dict[str, bytes],
    unreadable: list[tuple[str, str]],
    sql: dict[str, bytes],
) -> None:
    for directory, subdirectories, names in os.walk(package):
        here = Path(directory)
        subdirectories[:] = sorted(
            name
            for name in subdirectories
            if not name.startswith(".")
            and not (here == package and name in _NOT_SOURCE)
            and name != "target"
            and not (here / name / "Cargo.toml").is_file()
        )
        for name in sorted(names):
            if name.endswith(".sql") and (here / name).stat().st_size < _SCHEMA_LIMIT:
                with suppress(OSError):
                    sql[posixpath.join(_relative(here, root), name).removeprefix("./")] = (
                        here / name
                    ).read_bytes()
            if not name.endswith(".rs") or (here == package and name == "build.rs"):
                continue
            relative = posixpath.join(_relative(here, root), name).removeprefix("./")
            try:
                files[relative] = (here / name).read_bytes()
            except OSError as error:
                unreadable.append((relative, f"cannot be read: {error.strerror}"))
