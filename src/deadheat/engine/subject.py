"""What a hunt is about: a Rocket project, or the embedded twin.

Owns the difference between the two, so that engine, oracle and reports have none: a subject
has a review, suspected findings, source text to quote, and can be built into an application.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from deadheat.engine.application import Application
from deadheat.engine.events import Event
from deadheat.engine.target import Observed
from deadheat.model import Finding, Review, Scenario, Violation


class Build(Struct, frozen=True):
    """An application with its probes: how many were placed and how many had to be dropped.

    `notes` are sentences about what differs from the user's own build.
    """

    application: Application
    placed: int
    dropped: int
    cached: bool
    notes: tuple[str, ...] = ()


class Subject(Protocol):
    """Something that can be hunted in."""

    @property
    def name(self) -> str:
        """What it is called in reports and schedule files."""

    @property
    def location(self) -> str:
        """Where `deadheat replay` finds it: a folder in the workspace, or `embedded:NAME`."""

    @property
    def review(self) -> Review:
        """What the source says."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules suspect."""

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The text of the files that reports quote."""

    def build(self, listen: Callable[[Event], None]) -> Build:
        """Make the probed application.

        Raises:
            ProjectError: it cannot be built; the message says whose fault it is.
        """

    def unexplained(self, scenario: Scenario, violation: Violation, observed: Observed) -> Finding:
        """Give a finding for a violation that no rule had suspected."""
