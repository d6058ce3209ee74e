"""Building the probed copy of an application.

Owns the way from a plan of probes to a running binary: the copy of the tree, the probe crate, cargo,
and the talk with the compiler about probes that it does not accept. It must not know what the probes
do. The user's own files are never touched: the copy lies under `.deadheat/` in the workspace, and so
does the target directory, with the probe crate in it, unless CARGO_TARGET_DIR names another.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from deadheat.io import around
from deadheat.io import package as packages
from deadheat.io.cargo_run import Diagnostic, Outcome, Progress, ask, compile_, program
from deadheat.io.optimize import profile
from deadheat.io.resources import resource
from deadheat.io.tree import Entry, entries, fingerprint, make_cache, mirror, write
from deadheat.model import ProjectError
from deadheat.probe import Plan, Probe, apply, drop, drop_all, lower, probe_at

__all__ = ["Build", "Progress", "build"]

_ROUNDS = 12
_PATIENCE = 4
"""Rounds after which a probe that the compiler refuses is dropped at once instead of moved on."""


class Build(Struct, frozen=True):
    """A probed binary, the plan as the compiler accepted it, and how many points were (not) placed.

    `key` names the sources, tools and plan it was made from; `cached` says that it was found made;
    `rounds` how often the compiler was asked until it accepted the probes.
    """

    binary: Path
    key: str
    plan: Plan
    kept: int
    dropped: int
    cached: bool = False
    warnings: tuple[str, ...] = ()
    rounds: int = 0


def build(
    path: Path,
    plan: Plan,
    progress: Progress | None = None,
    features: tuple[str, ...] = (),
    *,
    optimize: bool = True,
) -> Build:
    """Build the package at `path` (a directory or its Cargo.toml) with the probes of `plan`.

    File names in `plan` are relative to the root of the workspace; `features` are the package's
    that are wanted beside its default ones; `optimize` as in `io.optimize`. An interrupt ends cargo and
    all it started.

    Raises:
        ProjectError: no Cargo.toml, no cargo, no Rocket to attach to, or the application itself
            does not compile: then the message holds what the compiler says.
    """
    attached = sorted({probe.file for probe in plan.probes if _attaches(probe)})
    root, package = packages.locate(path, attached)
    if not attached:
        raise ProjectError(
            f"{package.manifest}: found no call of rocket::build() or rocket::custom(…) to attach to"
        )
    try:
        binary = package.binary(root / file for file in attached)
        return _Workshop(root, package, binary, features, progress, optimize).make(plan)
    except OSError as error:
        raise ProjectError(f"{error.filename or root}: {error.strerror}") from error


def _attaches(probe: Probe) -> bool:
    return probe.wrap is not None and probe.wrap.form == "attach"


class _Record(Struct, frozen=True):
    """The last build, as it is remembered on disk."""

    key: str
    binary: str
    plan: Plan
    warnings: tuple[str, ...]
    rounds: int = 0


class _Workshop:
    """One package's corner of `.deadheat/`."""

    def __init__(
        self,
        root: Path,
        package: packages.Package,
        binary: str,
        features: tuple[str, ...],
        progress: Progress | None,
        optimize: bool,
    ) -> None:
        self.root = root
        self.package = package
        self.program = binary
        self.features = features
        self.profile = tuple(
            profile(package.name, packages.PROBE, (root / "Cargo.toml").read_bytes(), optimize=optimize)
        )
        self.progress = progress
        # Its own tests leave a lock file beside it in a working copy: that says nothing about us.
        shipped = entries(resource("crates", packages.PROBE))
        self.runtime = [entry for entry in shipped if entry.name != "Cargo.lock"]
        self.home = root / ".deadheat" / "build" / package.name
        self.record = self.home / "build.json"
        target = os.environ.get("CARGO_TARGET_DIR")
        self.target = Path(target).absolute() if target else root / ".deadheat" / "target"
        self.environment = {"CARGO_TARGET_DIR": str(self.target)}
        self.crate = self.target  # until `_lay_runtime` has found its place
        self.rustc = ask([program("rustc"), "-vV"], package.directory)[1].decode()
        self.tree = self.home / "tree"
        self.barred: set[str] = set()

    @property
    def manifest(self) -> Path:
        """The package's manifest in the copy."""
        return self.tree / self.package.manifest.relative_to(self.root)

    def make(self, plan: Plan) -> Build:
        write(self.root / ".deadheat" / ".gitignore", b"*\n")
        self.home.mkdir(parents=True, exist_ok=True)
        with _alone(self.home / "lock"):
            files = entries(self.root)
            key = self._key(files, plan)
            known = self._known(key)
            if known:
                return known
            self.tree = around.place(self.root, self.home, around.levels(self.root, files))
            made = self._compile(files, key, plan)
            write(self.record, msgspec.json.encode(_record(made)))
            return made

    def _known(self, key: str) -> Build | None:
        try:
            made = msgspec.json.decode(self.record.read_bytes(), type=_Record)
        except (OSError, msgspec.MsgspecError):
            return None
        binary = Path(made.binary)
        if made.key != key or not binary.is_file():
            return None
        return Build(
            binary, key, made.plan, made.plan.kept, made.plan.dropped, True, made.warnings, made.rounds
        )

    def _key(self, files: list[Entry], plan: Plan) -> str:
        crate = fingerprint(self.runtime)
        parts = (
            fingerprint(files).encode(),
            crate.encode(),
            self.rustc.encode(),
            " ".join((self.program, *self.features, *self.profile)).encode(),
            msgspec.json.encode(plan),
        )
        return sha256(b"\0".join(parts)).hexdigest()

    def _host(self) -> str:
        lines = [line for line in self.rustc.splitlines() if line.startswith("host: ")]
        return lines[0].removeprefix("host: ") if lines else ""

    def _compile(self, files: list[Entry], key: str, plan: Plan) -> Build:
        self.crate = self._lay_runtime()
        for name, path in files:
            if path.name == "Cargo.toml" and packages.runs_in_the_compiler(path.read_bytes()):
                plan = self._bar(plan, name, files)
        self._write(files, plan)
        total = packages.crates(self.manifest, self._host(), self.environment)
        asked = False
        for turn in range(_ROUNDS):
            outcome = self._cargo(total)
            if outcome.ok:
                return self._keep(outcome, key, plan, turn + 1)
            if conflict := pinned_apart(outcome.rendered):
                raise ProjectError(f"{self.package.manifest}: {conflict}")
            if folder := packages.below_the_probes(outcome.said):
                # A Rocket of their own in the workspace: the probes are built from it.
                plan = self._bar(plan, (folder / "Cargo.toml").relative_to(self.tree).as_posix(), files)
                self._write(files, plan)
                continue
            if any(packages.is_probe(name) for name in outcome.refused):
                raise ProjectError(f"{self.package.manifest}: {self._misfit()}:\n{outcome.rendered}")
            if not asked:
                self._compiles_without(files, plan, total)
                asked = True
            blamed = self._blamed(plan, outcome.errors)
            if not blamed:
                raise ProjectError(
                    f"{self.package.name}: the probes do not fit into this application:\n{outcome.rendered}"
                )
            plan = lower(plan, blamed)
            while turn >= _PATIENCE and any(plan.probes[index].wrap for index in blamed):
                plan = lower(plan, blamed)
            self._write(files, plan)
        raise ProjectError(f"{self.package.manifest}: the compiler accepts no probes")

    def _lay_runtime(self) -> Path:
        """Put the probe crate beside what is compiled; gives its folder.

        For cargo a crate from another folder is another crate: in one folder for all that is built into
        this target directory, and for every content a folder of its own, it is compiled once for all.
        """
        manifest = next(path for name, path in self.runtime if name == "Cargo.toml").read_bytes()
        manifest = packages.with_their_rocket(manifest, self.package, self.root, self.tree)
        key = sha256(fingerprint(self.runtime).encode() + manifest).hexdigest()[:16]
        shelf = make_cache(self.target) / "deadheat" / key
        shelf.mkdir(parents=True, exist_ok=True)
        with _alone(shelf / "lock"):
            mirror(self.runtime, shelf / packages.PROBE, {"Cargo.toml": manifest}, frozenset())
        return shelf / packages.PROBE

    def _misfit(self) -> str:
        """The probe crate itself does not compile: with which Rocket."""
        rocket = " and ".join(packages.locked(self.tree / "Cargo.lock", "rocket")) or "this Rocket"
        return f"the probes are made for Rocket 0.5, and do not compile with {rocket}"

    def _bar(self, plan: Plan, manifest: str, files: list[Entry]) -> Plan:
        """Give up the probes of the package with this manifest: it cannot depend on the probe crate."""
        if manifest in self.barred:
            raise ProjectError(f"{self.root / manifest}: cannot depend on the probes, and does")
        self.barred.add(manifest)
        manifests = [name for name, path in files if path.name == "Cargo.toml"]
        return drop(
            plan,
            {n for n, each in enumerate(plan.probes) if packages.owner(each.file, manifests) == manifest},
        )

    def _write(self, files: list[Entry], plan: Plan) -> None:
        """Bring the copy up to date, with the probes of `plan`."""
        paths = dict(files)
        manifests = {name: path for name, path in paths.items() if path.name == "Cargo.toml"}
        changed = {
            name: packages.elsewhere(path.read_bytes(), path.parent, self.root)
            for name, path in manifests.items()
        }
        sources = {file: paths[file].read_bytes() for file in plan.files if file in paths}
        edited = apply(plan, sources)
        # Every crate that could carry probes keeps the dependency, or dropping its last one rebuilds all.
        for manifest in {packages.owner(probe.file, manifests) for probe in plan.probes} - {
            None,
            *self.barred,
        }:
            assert manifest is not None
            changed[manifest] = packages.with_probe(changed[manifest], self.crate)
        mirror(files, self.tree, changed | edited, frozenset({"Cargo.lock"}))

    def _cargo(self, total: int) -> Outcome:
        command = [
            program("cargo"), "build", "--bin", self.program, "--message-format=json",
            "--manifest-path", str(self.manifest),
            *self.profile,
            *(("--features", ",".join(self.features)) if self.features else ()),
        ]  # fmt: skip
        # Where the user would stand: .cargo/config.toml and rust-toolchain.toml are looked for from there.
        here = self.manifest.parent
        outcome = compile_([*command, "--offline"], here, self.environment, total, self.progress)
        # Without a diagnostic of the compiler it is about dependencies: offline, cargo resolves among
        # what was ever downloaded, and calls a version that was not a conflict.
        if outcome.ok or outcome.errors:
            return outcome
        return compile_(command, here, self.environment, total, self.progress)

    def _compiles_without(self, files: list[Entry], plan: Plan, total: int) -> None:
        """Ask whose errors these are, before any probe is given up for them.

        Raises:
            ProjectError: the application does not compile without probes either.
        """
        self._write(files, drop_all(plan))
        plain = self._cargo(total)
        if not plain.ok:
            mend = " (features that it needs go under [app] in deadheat.toml)"
            hint = mend if "feature" in plain.rendered and not self.features else ""
            raise ProjectError(
                f"{self.package.name} does not compile, probes or not{hint}:\n{plain.rendered}"
            )

    def _blamed(self, plan: Plan, errors: Iterable[Diagnostic]) -> set[int]:
        """Find the probes that the compiler complains about; where it names none, all of the files."""
        blamed: set[int] = set()
        files: set[str] = set()
        for error in errors:
            for place in error.places():
                file = Path(os.path.relpath(self.tree / place.file_name, self.tree)).as_posix()
                files.add(file)
                index = probe_at(plan, file, (place.byte_start, place.byte_end))
                # Without the attachment nothing works: it is not given up, so others are to blame.
                if index is not None and not _attaches(plan.probes[index]):
                    blamed.add(index)
                    break
        placed = {index for index, probe in enumerate(plan.probes) if probe.wrap and not _attaches(probe)}
        return blamed or {index for index in placed if plan.probes[index].file in files} or placed

    def _keep(self, outcome: Outcome, key: str, plan: Plan, rounds: int) -> Build:
        """Take the binary to a place where the next plain build does not overwrite it."""
        shelf = self.home / "bin"
        shelf.mkdir(exist_ok=True)
        binary = shelf / key[:16] / self.program
        made = sorted(shelf.iterdir(), key=lambda each: each.stat().st_mtime)
        # The one before stays: a hunt with another configuration may be about to start it again.
        for old in {*made[:-1], binary.parent}:
            shutil.rmtree(old, ignore_errors=True)
        binary.parent.mkdir(parents=True)
        shutil.copy2(outcome.executables[self.program], binary)
        warnings = tuple(self._warnings(plan))
        return Build(binary, key, plan, plan.kept, plan.dropped, warnings=warnings, rounds=rounds)

    def _warnings(self, plan: Plan) -> Iterator[str]:
        for crate in ("tokio", "rocket"):
            ours = packages.locked(self.tree / "Cargo.lock", crate)
            theirs = packages.locked(self.root / "Cargo.lock", crate)
            if theirs and ours != theirs:
                yield f"built with {crate} {', '.join(ours)}, where your lock file has {', '.join(theirs)}"
        unplaced = sum(1 for probe in plan.probes if not probe.point and not probe.wrap)
        if unplaced:
            yield f"{unplaced} spawned futures or closures could not be linked to their requests"


def _record(made: Build) -> _Record:
    return _Record(made.key, str(made.binary), made.plan, made.warnings, made.rounds)


def pinned_apart(said: str) -> str | None:
    """What to change when cargo finds no version that suits both the application and the probes."""
    pattern = rf"failed to select a version for `([\w-]+)`\.\s+\.\.\. required by package `{packages.PROBE} "
    crate = re.search(pattern, said)
    if crate is None:
        return None
    needed = re.search(r"meet the requirements `\^?([^`]+)`", said)
    chosen = re.search(rf"previously selected package `{crate[1]} v([^`]+)`", said)
    least = f" {needed[1]} or later" if needed else " of another version"
    theirs = f", and {crate[1]} {chosen[1]} is pinned" if chosen else ""
    return f"the probes need {crate[1]}{least}{theirs}; let Cargo.toml take a later {crate[1]}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other Deadheat builds here."""
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
