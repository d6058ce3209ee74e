"""What a Cargo manifest says that changes the meaning of source: names, edition, targets.

Owns the reading of `Cargo.toml` values (the Cargo book, "The Manifest Format" and "Cargo
Targets"). It must not know where manifests are kept.
"""

import posixpath
import tomllib
from typing import cast

from msgspec import Struct

from deadheat.rust.tree import SourceTree

_Table = dict[str, object]


class Target(Struct, frozen=True):
    """A crate to compile: its name, its root file, whether it is the package's library."""

    name: str
    root: str
    library: bool


class Package(Struct, frozen=True):
    """One package: `edition` as a year, `rocket` the version requirement when it has one."""

    directory: str
    name: str
    edition: int
    rocket: str | None
    targets: tuple[Target, ...]
    proc_macro: bool = False  # runs in the compiler, one thread


def packages(tree: SourceTree) -> list[Package]:
    """Every package whose manifest is in `tree`; an unreadable manifest contributes nothing."""
    parsed: dict[str, _Table] = {}
    for path, content in tree.manifests.items():
        try:
            parsed[posixpath.dirname(path)] = cast("_Table", tomllib.loads(content.decode()))
        except ValueError:
            continue
    root = _table(_table(parsed.get("")).get("workspace"))
    return [
        _package(directory, manifest, root, tree)
        for directory, manifest in parsed.items()
        if "package" in manifest
    ]


def _table(value: object) -> _Table:
    return cast("_Table", value) if isinstance(value, dict) else {}


def _package(directory: str, manifest: _Table, workspace: _Table, tree: SourceTree) -> Package:
    package = _table(manifest.get("package"))
    name = str(package.get("name", "package"))
    edition = package.get("edition", "2015")
    if isinstance(edition, dict):
        edition = _table(workspace.get("package")).get("edition", "2015")
    year = int(edition) if isinstance(edition, str) and edition.isdigit() else 2021
    dependency = _table(manifest.get("dependencies")).get("rocket")
    if _table(dependency).get("workspace") is True:
        dependency = _table(workspace.get("dependencies")).get("rocket")
    version = _table(dependency).get("version") if isinstance(dependency, dict) else dependency
    return Package(
        directory,
        name,
        year,
        version if isinstance(version, str) else None,
        tuple(_targets(directory, name, manifest, tree)),
        _table(manifest.get("lib")).get("proc-macro") is True,
    )


def _targets(directory: str, name: str, manifest: _Table, tree: SourceTree) -> list[Target]:
    crate = name.replace("-", "_")
    found: list[Target] = []
    library = _table(manifest.get("lib"))
    path = posixpath.join(directory, str(library.get("path", "src/lib.rs")))
    if path in tree.files:
        found.append(Target(str(library.get("name", crate)).replace("-", "_"), path, library=True))
    has_library = bool(found)
    roots: dict[str, str] = {}
    declared = manifest.get("bin")
    for entry in declared if isinstance(declared, list) else []:
        binary = _table(entry)
        title = str(binary.get("name", name))
        guesses = ("src/main.rs", f"src/bin/{title}.rs", f"src/bin/{title}/main.rs", f"src/{title}.rs")
        stated = binary.get("path")
        for guess in (str(stated),) if stated is not None else guesses:
            where = posixpath.normpath(posixpath.join(directory, guess))
            if where in tree.files:
                roots.setdefault(where, title)
                break
    main = posixpath.join(directory, "src/main.rs")
    if main in tree.files:
        roots.setdefault(main, name)
    prefix = posixpath.join(directory, "src/bin/")
    for where in tree.files:
        if where.startswith(prefix):
            rest = where[len(prefix) :]
            if "/" not in rest:
                roots.setdefault(where, rest.removesuffix(".rs"))
            elif rest.count("/") == 1 and rest.endswith("/main.rs"):
                roots.setdefault(where, rest.split("/")[0])
    for where, title in roots.items():
        plain = title.replace("-", "_")
        # A package's library and binary usually share one name; ids must not.
        found.append(
            Target(f"{plain}::main" if has_library and plain == crate else plain, where, library=False)
        )
    return found
