"""A Rocket project as a subject: reviewed from source, built with probes by cargo."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from deadheat.engine.application import Application
from deadheat.engine.events import Building, Event
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.subject import Build
from deadheat.engine.target import Observed
from deadheat.io import cargo
from deadheat.model import Finding, Point, Review, Scenario, Violation
from deadheat.model.config import Config


class RocketSubject(Struct):
    """The package at one path."""

    reviewed: Reviewed
    config: Config
    _points: dict[int, Point] = {}

    @classmethod
    def open(cls, path: Path, config: Config) -> "RocketSubject":
        """Read the package at `path`.

        Raises:
            ProjectError: there is no Cargo.toml, or no Rocket handler in it.
        """
        return cls(Reviewed.of(path), config)

    @property
    def name(self) -> str:
        """The package as the user named it."""
        return self.reviewed.title

    @property
    def location(self) -> str:
        """The package's folder in its workspace."""
        return self.reviewed.path.relative_to(self.workspace).as_posix()

    @property
    def workspace(self) -> Path:
        """Where `.deadheat/` is."""
        return self.reviewed.workspace

    @property
    def review(self) -> Review:
        """What the source says."""
        return self.reviewed.review

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules suspect."""
        return self.reviewed.findings

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The text of the files that reports quote."""
        return self.reviewed.quoted

    def build(self, listen: Callable[[Event], None]) -> Build:
        """Build the probed copy, or take the one that is there when nothing changed.

        Raises:
            ProjectError: no cargo, or the user's own code does not compile.
        """
        built = cargo.build(
            self.reviewed.path,
            self.reviewed.plan,
            lambda what, done, total: listen(Building(what, done, total)),
            self.config.app.features,
            optimize=self.config.app.optimize,
        )
        points = built.plan.placed
        self._points = {point.id: point for point in points}
        application = Application(
            name=self.reviewed.name,
            command=(str(built.binary), *self.config.app.args),
            cwd=self.reviewed.path,
            points=points,
            paths=self.reviewed.paths,
            build=built.key,
            environment=dict(self.config.app.env),
            ready=self.config.app.ready,
            timeout=self.config.explore.timeout,
        )
        return Build(application, built.kept, built.dropped, built.cached, built.warnings)

    def unexplained(self, scenario: Scenario, violation: Violation, observed: Observed) -> Finding:
        """Give a finding for a violation that no rule had suspected."""
        return self.reviewed.unexplained(scenario, violation, observed, self._points)
