"""Progress on standard error: bars on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from deadheat.engine.events import (
    Attacked,
    Attacking,
    Building,
    Built,
    Event,
    Explored,
    Exploring,
    Forced,
    Replaying,
    Reviewed,
    Skipped,
    Started,
)
from deadheat.model import Attack, Exploration
from deadheat.report.names import number


class Progress:
    """A listener that tells what is going on."""

    def __init__(self, *, quiet: bool) -> None:
        """Say nothing at all when `quiet`."""
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        if not quiet and sys.stderr.isatty():
            self._status = self._console.status("reading the source")

    def __enter__(self) -> Self:
        """Start the live line, if there is one."""
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the live line."""
        if self._status is not None:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        """Tell about one event."""
        if self._quiet:
            return
        live, line = _words(event)
        if live and self._status is not None:
            self._status.update(escape(live))
        if line and self._status is not None:
            self._console.print(escape(line), soft_wrap=True)
        elif line:
            click.echo(line, err=True)


def _words(event: Event) -> tuple[str, str]:
    """Give what the live line should say, and a line that stays; either may be empty."""
    match event:
        case Reviewed():
            return "", (
                f"read {event.lines:,} lines in {event.files} files: {event.handlers} handlers,"
                f" {event.states} shared states, {event.suspected} suspected"
            )
        case Building():
            of = f" {event.done}/{event.total}" if event.total else ""
            return f"building the probed copy{of}: {event.what}", ""
        case Built():
            how = "unchanged, not built again" if event.cached else f"built in {event.seconds:.1f} s"
            dropped = f", {event.dropped} did not compile and were left out" if event.dropped else ""
            return "starting the application", f"{event.placed} probes placed{dropped}; {how}"
        case Started():
            return f"the application answers on port {event.port}", ""
        case Exploring():
            rate = event.schedules / event.seconds if event.seconds > 0 else 0.0
            counts = f"{event.schedules} schedules, {event.violating} violate, {rate:,.0f} a second"
            return f"{event.number}/{event.of} {event.scenario.name}: {counts}", ""
        case Explored():
            return "", _explored(event.exploration)
        case Replaying():
            return f"replaying {event.schedule_id}: {event.violated} of {event.done}", ""
        case Forced():
            proof = event.finding.evidence
            times = f" {proof.trials.violated}/{proof.trials.total}" if proof else ""
            return "", f"FORCED{times}: {event.finding.title}"
        case Attacking():
            counts = f"{event.rounds} rounds, {event.violating} violate"
            return f"{event.scenario}: {event.phase}: {counts}, {event.requests} requests", ""
        case Attacked():
            return "", _attacked(event.attack)
        case Skipped():
            return "", f"not tested: {event.not_tested.what}: {event.not_tested.why}"


def _explored(exploration: Exploration) -> str:
    rate = exploration.schedules / exploration.seconds if exploration.seconds > 0 else 0.0
    whole = "" if exploration.schedules == 1 else "all " if exploration.complete else "only "
    bad = f"{exploration.violating} violate" if exploration.violating else "none violates"
    orders = number(exploration.schedules, "order")
    return f"explored {exploration.scenario}: {whole}{orders}, {bad} ({rate:,.0f} a second)"


def _attacked(attack: Attack) -> str:
    forced = f"forced {attack.forced} of {attack.holds}, " if attack.holds else ""
    rate = attack.rounds / attack.seconds if attack.seconds > 0 else 0.0
    return (
        f"attacked {attack.scenario}: {forced}{attack.violating} of {attack.rounds} rounds violate"
        f" ({attack.requests} requests, {rate:,.0f} rounds a second)"
    )
