"""A review of source as a run: read, judged, and reduced to what is new.

Owns that flow and what a comparison means: a finding is known by its fingerprint, never by its line, so
that moving code changes nothing. It decides nothing visual and builds nothing.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import msgspec
from msgspec import Struct

from deadheat import __version__, rust
from deadheat.engine.judged import Judged, judge
from deadheat.io import baseline as baselines
from deadheat.io import revision, source
from deadheat.io.beside import beside, second_core
from deadheat.io.cache import Cache, own_digest
from deadheat.model import (
    Acceptance,
    Coverage,
    Finding,
    NotTested,
    ProjectError,
    Review,
    Run,
    Suppressed,
    Tool,
)
from deadheat.rust import SourceTree
from deadheat.rust.kept import Kept, packed
from deadheat.rust.syntax import SourceFile

_LARGEST_KEPT = 32_000_000  # bytes; decoding more takes as long as reading afresh


class Memory(Struct):
    """What a process that scans again and again remembers of the last scan."""

    kept: Kept | None = None
    parsed: dict[str, SourceFile] = {}


class Scanned(Struct, frozen=True):
    """What the source of one tree tells; `quoted` are the files that findings point into."""

    review: Review
    judged: Judged
    quoted: tuple[str, ...]
    concurrent: bool


def scan(
    path: Path,
    *,
    baseline: Path | None = None,
    since: str | None = None,
    cached: bool = True,
    memory: Memory | None = None,
    keep: list[object] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Run:
    """Review the package at `path`.

    `baseline` names a file of accepted findings; `since` a revision: only what is new after it is
    reported. `cached` lets an unchanged tree be answered from `.deadheat/cache`;
    `memory` makes the next scan in this process faster; `keep` is given the program that was read, for
    whoever ends the process before it need be torn down; `meanwhile` is done while a second process judges.

    Raises:
        ProjectError: there is no Cargo.toml, nothing in it that runs concurrently, or no such revision.
        DeadheatError: the baseline cannot be read.
    """
    began = monotonic()
    tree = source.load(path)
    folder = (path.parent if path.name == "Cargo.toml" else path).resolve()
    workspace = source.workspace_root(folder)
    cache = Cache(workspace) if cached else None
    scanned = reviewed(tree, cache, memory, keep, meanwhile)
    review = scanned.review
    if not review.handlers and not scanned.concurrent:
        raise ProjectError(
            f"{path}: no Rocket routes found in {review.files} files; name the package that"
            " has the handlers (#[get(…)] and the like)"
        )
    judged = scanned.judged
    findings, suppressed, notes = judged.findings, judged.suppressed, []
    if baseline is not None:
        known = baselines.load(baseline)
        suppressed += tuple(
            Suppressed(finding, Acceptance.BASELINE, known[finding.fingerprint].reason)
            for finding in findings
            if finding.fingerprint in known
        )
        gone = len(known.keys() - {one.fingerprint for one in judged.findings})
        findings = tuple(finding for finding in findings if finding.fingerprint not in known)
        if gone:
            notes.append(
                f"{gone} of {len(known)} entries of {baseline} match nothing any more: "
                "`--update-baseline` takes them out"
            )
    if since is not None:
        old = reviewed(revision.tree_at(folder, since), cache).judged
        before = {finding.fingerprint for finding in old.findings}
        before |= {one.finding.fingerprint for one in old.suppressed}
        new = tuple(finding for finding in findings if finding.fingerprint not in before)
        if len(new) < len(findings):
            left_out = len(findings) - len(new)
            notes.append(f"left out, because {since} has them already: {left_out}")
        findings = new
    return Run(
        tool=Tool(version=__version__),
        target=_shown(folder),
        findings=findings,
        review=review,
        coverage=Coverage(
            files=review.files,
            lines=review.lines,
            handlers=len(review.handlers),
            seconds=monotonic() - began,
        ),
        not_tested=tuple(NotTested(file, f"not read: {why}") for file, why in review.skipped),
        sources=_quoted(tree, scanned.quoted),
        rules=judged.rules,
        suppressed=suppressed,
        notes=tuple(notes),
        root=revision.inside_repository(workspace),
    )


def update_baseline(path: Path, run: Run) -> int:
    """Accept all that a run reports, and what it accepts already; give how many entries that makes.

    Raises:
        DeadheatError: the file cannot be written.
    """
    kept = [one.finding for one in run.suppressed if one.by is Acceptance.BASELINE]
    # A comment that allows nothing is mended, not accepted.
    new = [finding for finding in run.findings if finding.rule != "idle-allow"]
    return baselines.save(path, (*kept, *new))


def reviewed(
    tree: SourceTree,
    cache: Cache | None = None,
    memory: Memory | None = None,
    keep: list[object] | None = None,
    also: Callable[[], object] | None = None,
) -> Scanned:
    """Read and judge a tree, or answer from the cache when the very same was judged before."""
    key = _key(tree) if cache is not None else ""
    known = cache.get(key) if cache is not None else None
    if known is not None:
        try:
            return msgspec.msgpack.decode(known, type=Scanned)
        except (msgspec.DecodeError, msgspec.ValidationError):
            pass  # written by another version, or cut off: read afresh
    with _without_collector():
        before: bytes | Kept | None = memory.kept if memory is not None else None
        if before is None and cache is not None:
            before = cache.get(_earlier(tree))
        program = rust.read(
            tree,
            beside if second_core() else None,
            before,
            memory.parsed if memory is not None else None,
        )
        if keep is not None:
            keep.append(program)

        def meanwhile() -> Review:
            if memory is not None:
                memory.kept, memory.parsed = program.keep(), program.modules.files
            elif cache is not None and program.has_news:
                kept = packed(program.keep())
                if len(kept) < _LARGEST_KEPT:
                    cache.put(_earlier(tree), kept)
            if also is not None:
                also()
            return program.review

        judged = judge(program, meanwhile)
    scanned = Scanned(
        program.review, judged, _pointed(judged.findings), bool(program.roots or program.handlers)
    )
    if cache is not None:
        cache.put(key, msgspec.msgpack.encode(scanned))
    return scanned


@contextmanager
def _without_collector() -> Iterator[None]:
    """Do not look for garbage cycles: the reader makes none, and looking costs a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _earlier(tree: SourceTree) -> str:
    """Where the last reading of this package is kept, whatever its source was then."""
    return "read-" + sha256(own_digest() + tree.root_package.encode("utf-8", "surrogatepass")).hexdigest()


def _key(tree: SourceTree) -> str:
    digest = sha256(own_digest())
    digest.update(tree.root_package.encode("utf-8", "surrogatepass"))
    for part in (tree.manifests, tree.files, tree.sql):
        for name in sorted(part):
            content = part[name]
            digest.update(f"{name}\x00{len(content)}\x00".encode("utf-8", "surrogatepass"))
            digest.update(content)
    digest.update(repr(tree.unreadable).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _pointed(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    wanted: set[str] = set()
    for finding in findings:
        wanted |= {finding.location.file} | {span.file for span, _ in finding.related}
        if finding.window is not None:
            wanted |= {finding.window.check.span.file, finding.window.act.span.file}
    return tuple(sorted(wanted))


def _quoted(tree: SourceTree, files: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((file, tree.files[file].decode("utf-8", "replace")) for file in files if file in tree.files)


def _shown(folder: Path) -> str:
    here = Path.cwd()
    if folder == here:
        return folder.name
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else folder.as_posix()


__all__ = ["Memory", "Scanned", "reviewed", "scan", "update_baseline"]
