"""The embedded twin as a subject: a small ASGI application that carries the probes by hand.

For machines without cargo. It tells the story of a Rust application of the lab, so the review
reads *that* source and findings point into it; what runs is the twin, and reports say so. The
twin's probe points have the numbers that the plan gives the Rust source's.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from deadheat.engine.application import Application
from deadheat.engine.events import Event
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.subject import Build
from deadheat.engine.target import Observed
from deadheat.io.resources import resource
from deadheat.model import DeadheatError, Finding, Point, Review, Scenario, Violation

SUFFIX = " (embedded twin)"
LOCATION = "embedded:"


class EmbeddedSubject(Struct):
    """The twin of one application of the lab."""

    reviewed: Reviewed

    @classmethod
    def of(cls, application: str) -> "EmbeddedSubject":
        """Take the twin of the lab application of that name.

        Raises:
            DeadheatError: there is none, or its probes are not those of the Rust source.
        """
        return cls(Reviewed.of(resource("lab", "rocket", application)))

    @property
    def name(self) -> str:
        """The application's name, and that it is the twin."""
        return self.reviewed.name + SUFFIX

    @property
    def location(self) -> str:
        """The twin has no folder; it has a name."""
        return f"{LOCATION}{self.reviewed.name}"

    @property
    def review(self) -> Review:
        """What the Rust source says."""
        return self.reviewed.review

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules suspect in the Rust source."""
        return self.reviewed.findings

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The Rust text that reports quote."""
        return self.reviewed.quoted

    def build(self, listen: Callable[[Event], None]) -> Build:
        """There is nothing to build; check that twin and source have the same probes.

        Raises:
            DeadheatError: they have not.
        """
        folder = resource("lab", "embedded")
        table = msgspec.json.decode((folder / "points.json").read_bytes(), type=dict[str, tuple[Point, ...]])
        hand_made = table.get(self.reviewed.name, ())
        points = self.reviewed.plan.points
        if [self._path(p) for p in points] != [p.state for p in hand_made]:
            raise DeadheatError(f"the embedded twin of {self.reviewed.name} is not that of its Rust source")
        application = Application(
            name=self.name,
            command=(sys.executable, "-m", "deadheat_embedded", self.reviewed.name),
            cwd=Path(folder),
            points=points,
            paths=self.reviewed.paths,
            build="embedded",
        )
        return Build(application, len(points), 0, cached=True)

    def unexplained(self, scenario: Scenario, violation: Violation, observed: Observed) -> Finding:
        """Give a finding for a violation that no rule had suspected."""
        points = {point.id: point for point in self.reviewed.plan.points}
        return self.reviewed.unexplained(scenario, violation, observed, points)

    def _path(self, point: Point) -> str | None:
        return self.reviewed.paths.get(point.state or "")
