"""Which cargo package is meant, and how its manifests must read in a copy elsewhere.

Owns `cargo metadata` (the Cargo book) and the few edits of manifests that a probed copy needs. It
must not know what a probe is.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from deadheat.io.cargo_run import ask, program
from deadheat.model import ProjectError

PROBE = "deadheat-probe"
_ROCKET = re.compile(rb"^rocket = .*$", re.MULTILINE)
_CYCLE = re.compile(
    rf"cyclic package dependency.*\n(?:package `{PROBE} .*\n)?"
    rf"\s*\.\.\. which satisfies .*dependency `{PROBE}` of package `[\w-]+ v\S+ \((.+)\)`"
)
_PATH = re.compile(r'(\bpath\s*=\s*)"([^"\n]+)"')


_LOOKED_INTO = ("dashmap", "parking_lot")
"""Crates with features of their names in the probe crate: its probes can look at their types."""


class Target(Struct, frozen=True):
    """A target of a package: its name, kinds (`bin`, `lib`, …), and its main file."""

    name: str
    kind: tuple[str, ...]
    src_path: str

    def holds(self, file: Path) -> bool:
        """Whether `file` is a part of this target alone: its main file, or below a folder of its own."""
        main = Path(self.src_path)
        own = main.name == "main.rs" and main.parent.name != "src"
        return file == main or (own and file.is_relative_to(main.parent))


class Needed(Struct, frozen=True):
    """A dependency as the manifest names it: a folder, a git address (`source`), or a registry."""

    name: str
    source: str | None = None
    path: str | None = None


class Package(Struct, frozen=True):
    """A package of a workspace, as cargo tells."""

    name: str
    id: str
    manifest_path: str
    targets: tuple[Target, ...]
    default_run: str | None = None
    dependencies: tuple[Needed, ...] = ()

    @property
    def manifest(self) -> Path:
        """Its Cargo.toml."""
        return Path(self.manifest_path)

    @property
    def directory(self) -> Path:
        """Where its manifest lies."""
        return self.manifest.parent

    def binary(self, attached: Iterable[Path]) -> str:
        """Choose which program to build: cargo's default, the one that builds a Rocket, the only one.

        `attached` are the files where a Rocket is built. `default-run` may be a client or a demo: it
        is passed over when every Rocket is built in the files of other programs.

        Raises:
            ProjectError: the package has none, or the choice is not clear.
        """
        programs = [target for target in self.targets if "bin" in target.kind]
        names = [target.name for target in programs]
        files = tuple(attached)
        attaching = [target.name for target in programs if any(target.holds(file) for file in files)]
        default = [self.default_run] if self.default_run else []
        owned = all(any(target.holds(file) for target in programs) for file in files)
        if attaching and owned and not {*default} & {*attaching}:
            default = []
        for choice in (default, names, attaching, [self.name]):
            if len(choice) == 1 and choice[0] in names:
                return choice[0]
        if not names:
            raise ProjectError(f"{self.manifest_path}: {self.name} has no program to run, only a library")
        raise ProjectError(
            f"{self.manifest_path}: {self.name} has several programs ({', '.join(sorted(names))});"
            " name one with default-run"
        )


class _Metadata(Struct, frozen=True):
    packages: tuple[Package, ...]
    workspace_root: str


class _Use(Struct, frozen=True):
    kind: str | None = None


class _Dependency(Struct, frozen=True):
    pkg: str
    dep_kinds: tuple[_Use, ...] = ()


class _Node(Struct, frozen=True):
    id: str
    deps: tuple[_Dependency, ...] = ()

    @property
    def needed(self) -> list[str]:
        """What it is built from: not what its tests alone use."""
        return [dep.pkg for dep in self.deps if any(use.kind != "dev" for use in dep.dep_kinds)]


class _Resolve(Struct, frozen=True):
    nodes: tuple[_Node, ...] = ()


class _Graph(Struct, frozen=True):
    packages: tuple[Package, ...]
    resolve: _Resolve


def locate(path: Path, attached: Iterable[str]) -> tuple[Path, Package]:
    """Find the workspace root and the package at `path` (a directory or a Cargo.toml).

    At the root of a workspace without a package of its own it is the package in whose files
    (`attached`, relative to the root) a Rocket is built.

    Raises:
        ProjectError: no Cargo.toml, no cargo, a manifest that cargo refuses, or no clear choice.
    """
    manifest = path if path.name == "Cargo.toml" else path / "Cargo.toml"
    if not manifest.is_file():
        raise ProjectError(f"{path}: no Cargo.toml here; name the directory of a Cargo package")
    manifest = manifest.resolve()
    status, output, said = _metadata(manifest, "--no-deps")
    if status:
        raise ProjectError(f"{manifest}: cargo cannot read it: {_short(said)}")
    metadata = msgspec.json.decode(output, type=_Metadata)
    root = Path(metadata.workspace_root)
    files = [root / file for file in attached]
    for package in metadata.packages:
        if package.manifest == manifest:
            return root, package
    found = [
        package
        for package in metadata.packages
        if any(file.is_relative_to(package.directory) for file in files)
    ]
    if len(found) == 1:
        return root, found[0]
    names = ", ".join(sorted(package.directory.relative_to(root).as_posix() for package in found))
    what = f"several applications ({names})" if found else "no package in which a Rocket is built"
    raise ProjectError(f"{manifest}: a workspace with {what}; name the directory of one")


def crates(manifest: Path, host: str, environment: Mapping[str, str]) -> int:
    """Count the crates that building the package of `manifest` takes; 0 when cargo cannot tell.

    `host` is the target triple it is built for.
    """
    options = ("--offline", "--filter-platform", host)
    status, output, _ = _metadata(manifest, *options, environment=environment)
    if status:
        return 0
    graph = msgspec.json.decode(output, type=_Graph)
    nodes = {node.id: node.needed for node in graph.resolve.nodes}
    pending = [found.id for found in graph.packages if found.manifest == manifest]
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += nodes.get(node, ())
    return len(seen)


def owner(file: str, manifests: Iterable[str]) -> str | None:
    """Give the manifest of the package that `file` belongs to; all names are relative to the root."""
    owners = [
        manifest
        for manifest in manifests
        if not (folder := manifest.removesuffix("Cargo.toml")) or file.startswith(folder)
    ]
    return max(owners, key=len, default=None)


def with_probe(manifest: bytes, crate: Path) -> bytes:
    """Add the dependency on the probe crate at `crate`."""
    uses = tomllib.loads(manifest.decode()).get("dependencies", {})
    named = [crate for crate in _LOOKED_INTO if crate in uses]
    features = f"\nfeatures = {msgspec.json.encode(named).decode()}" if named else ""
    added = f"\n\n[dependencies.{PROBE}]\npath = {_quoted(crate)}{features}\n"
    return manifest.rstrip() + added.encode()


def with_their_rocket(probe: bytes, package: Package, root: Path, tree: Path) -> bytes:
    """Let the probe crate's manifest name the Rocket that `package` names.

    A Rocket from a folder or from git is another crate than the registry's, whatever its version,
    and the two do not fit together. A folder below `root` is taken from its copy below `tree`.
    """
    rocket = next((need for need in package.dependencies if need.name == "rocket"), None)
    if rocket is None or (rocket.path is None and not (rocket.source or "").startswith("git+")):
        return probe
    if rocket.path is not None:
        folder = Path(rocket.path)
        folder = tree / folder.relative_to(root) if folder.is_relative_to(root) else folder
        where = f"path = {_quoted(folder)}"
    else:
        address, _, pinned = (rocket.source or "").removeprefix("git+").partition("?")
        where = f"git = {msgspec.json.encode(address).decode()}"
        for key, value in parse_qsl(pinned.partition("#")[0]):
            where += f", {key} = {msgspec.json.encode(value).decode()}"
    return _ROCKET.sub(f"rocket = {{ {where}, default-features = false }}".encode(), probe)


def elsewhere(manifest: bytes, directory: Path, root: Path) -> bytes:
    """Make the manifest in `directory` read the same when the tree below `root` is copied elsewhere.

    Paths that lead out of the tree become absolute; the root becomes a workspace, so that cargo
    looks for none further up.
    """
    text = manifest.decode()

    def absolute(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(directory / match[2]))
        return match[0] if target.is_relative_to(root) else match[1] + _quoted(target)

    text = _PATH.sub(absolute, text)
    if directory == root and "workspace" not in tomllib.loads(text):
        text = text.rstrip() + "\n\n[workspace]\n"
    return text.encode()


def runs_in_the_compiler(manifest: bytes) -> bool:
    """Whether a manifest is of procedural macros: no request ever reaches those."""
    if b"proc-macro" not in manifest:
        return False
    try:
        library = tomllib.loads(manifest.decode()).get("lib", {})
    except ValueError:
        return False  # a template, or a test of bad input: cargo will say, if it is asked about it
    return bool(library.get("proc-macro", library.get("proc_macro", False)))


def is_probe(package: str) -> bool:
    """Whether a package id is of the probe crate."""
    return f"/{PROBE}#" in package or package.startswith(f"{PROBE} ")


def below_the_probes(said: str) -> Path | None:
    """The folder of a package that depends on the probe crate and is needed by it, as cargo complains."""
    found = _CYCLE.search(said)
    return Path(found[1]) if found else None


def locked(lock: Path, name: str) -> tuple[str, ...]:
    """Give the versions of the crate `name` in a lock file."""
    if not lock.is_file():
        return ()
    packages = tomllib.loads(lock.read_text("utf-8")).get("package", [])
    return tuple(sorted(str(package["version"]) for package in packages if package.get("name") == name))


def _metadata(
    manifest: Path, *options: str, environment: Mapping[str, str] | None = None
) -> tuple[int, bytes, str]:
    command = [
        program("cargo"),
        "metadata",
        "--format-version",
        "1",
        "--manifest-path",
        str(manifest),
        *options,
    ]
    return ask(command, manifest.parent, environment)


def _quoted(path: Path) -> str:
    # JSON's string syntax is a subset of TOML's basic strings.
    return msgspec.json.encode(str(path)).decode()


def _short(said: str) -> str:
    """The error with its causes, or with its place, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if "Caused by:" in lines:
        return ": ".join(line for line in lines if line != "Caused by:")
    return " ".join(lines[:2]) or "it says nothing"
