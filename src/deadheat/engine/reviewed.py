"""The part of a subject that comes from Rust source, whatever then runs."""

import hashlib
from pathlib import Path

from msgspec import Struct

from deadheat import probe, rules, rust
from deadheat.engine.target import Observed
from deadheat.io import source
from deadheat.model import (
    Confidence,
    Finding,
    Point,
    ProjectError,
    Review,
    Scenario,
    SharedState,
    Site,
    Span,
    StateKind,
    Violation,
)


class Reviewed(Struct, frozen=True):
    """A package as the reader and the rules see it.

    `name` is the folder's; `title` is what the user called it, which is what a report repeats.
    """

    name: str
    title: str
    path: Path
    workspace: Path
    review: Review
    findings: tuple[Finding, ...]
    sites: tuple[Site, ...]
    files: dict[str, bytes]

    @classmethod
    def of(cls, path: Path, *, handlers_needed: bool = True) -> "Reviewed":
        """Read the package at `path`.

        A review can do without Rocket handlers (a library, a worker, another framework's server:
        their tasks and public functions run concurrently too); whoever attacks or builds cannot.

        Raises:
            ProjectError: there is no Cargo.toml; or no Rocket handler where one is needed, or nothing
                at all that runs concurrently.
        """
        tree = source.load(path)
        program = rust.read(tree)
        if not program.review.handlers and (handlers_needed or not program.roots):
            raise ProjectError(
                f"{path}: no Rocket routes found in {program.review.files} files; name the package that"
                " has the handlers (#[get(…)] and the like)"
            )
        folder = path.parent if path.name == "Cargo.toml" else path
        return cls(
            folder.resolve().name,
            _shown(folder.resolve()),
            folder.resolve(),
            source.workspace_root(folder.resolve()),
            program.review,
            rules.check(program),
            program.sites,
            dict(tree.files),
        )

    @property
    def paths(self) -> dict[str, str]:
        """The name people use for each state id."""
        return {state.id: state.path for state in self.review.states}

    @property
    def plan(self) -> probe.Plan:
        """Where probes go."""
        return probe.plan(self.sites, self.files)

    @property
    def quoted(self) -> tuple[tuple[str, str], ...]:
        """The text of the files that findings point into."""
        wanted: set[str] = set()
        for finding in self.findings:
            wanted |= {finding.location.file} | {span.file for span, _ in finding.related}
            if finding.window is not None:
                wanted |= {finding.window.check.span.file, finding.window.act.span.file}
        wanted |= {site.file for site in self.sites}
        return tuple(
            (file, self.files[file].decode("utf-8", "replace"))
            for file in sorted(wanted)
            if file in self.files
        )

    def unexplained(
        self,
        scenario: Scenario,
        violation: Violation,
        observed: Observed,
        points: dict[int, Point],
    ) -> Finding:
        """Give a finding for a violation that no rule had suspected: seen, not understood."""
        rule = rules.RULES["deadlock" if violation.deadlock else "non-serializable-outcome"]
        touched = [points[s.point] for s in observed.execution.steps if s.point in points]
        states = {state.id: state for state in self.review.states}
        at = touched[-1] if touched else None
        state = states.get((at.state if at else None) or "") or SharedState(
            "unknown", StateKind.EXTERNAL, "state the review does not know"
        )
        handlers = tuple(sorted({racer.handler or "" for racer in scenario.racers}))
        shape = "|".join([rule.name, *handlers, state.id])
        return Finding(
            rule=rule.name,
            code=rule.code,
            title=f"{rule.title} on {state.path}",
            severity=rule.severity,
            confidence=Confidence.HIGH,
            state=state,
            handlers=handlers,
            location=at.span if at else Span("", 1, 1, 1, 1),
            message=violation.explanation,
            fingerprint=hashlib.sha256(shape.encode()).hexdigest(),
            cwe=rule.cwe,
            impact=rule.impact,
            fixes=rule.fixes,
        )


def _shown(folder: Path) -> str:
    """Give the folder as a user here would type it."""
    here = Path.cwd()
    if folder == here:
        return folder.name
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else folder.as_posix()
