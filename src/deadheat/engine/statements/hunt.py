"""One scenario on an unmodified application, every order of its statements, proved or not.

Owns the flow from scenario to `Run` where statements are held instead of probes. It must not know
how they are held (`statements.run`), nor what makes an outcome a race.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic

import msgspec

from deadheat import __version__
from deadheat.engine.candidate import Candidate
from deadheat.engine.events import Event, Explored, Forced, Skipped, Started
from deadheat.engine.evidence import filed, saved
from deadheat.engine.explore import Search
from deadheat.engine.hunt import Listener
from deadheat.engine.memory import Memory
from deadheat.engine.prove import Prover
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.routes import handler_of
from deadheat.engine.shrink import shrunk
from deadheat.engine.statements.gate import TRANSACTION, Gate, L
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.engine.target import Observed
from deadheat.io.store import Store
from deadheat.model import (
    Confidence,
    Coverage,
    DeadheatError,
    Evidence,
    Exploration,
    Finding,
    History,
    NotTested,
    Proof,
    Racer,
    Run,
    Scenario,
    SharedState,
    StateKind,
    TargetError,
    Tool,
    Violation,
)

_UNLINKED = "unlinked"
_SHARED = (
    "the requests share one connection, on which answers keep the order of the commands: orders in which one"
    " request runs several commands while another waits were not tried"
)

_SURW = (
    "SURW weighed the orders of the steps on each {} for which requests were seen to contend, not on what the"
    " source is suspected of."
)


def expanded(scenario: Scenario, requests: int | None) -> Scenario:
    """The scenario with a racer for each request: as declared, or `requests` of them in turn.

    Raises:
        DeadheatError: it needs a login, WebSockets or the sight of something else than requests.
    """
    if any(racer.request.principal or racer.request.message for racer in scenario.racers):
        raise DeadheatError(f"{scenario.name}: logins and WebSockets are for `deadheat attack` so far")
    if not scenario.reset_requests:
        raise DeadheatError(
            f'{scenario.name}: say with `reset = ["POST /…"]` how the store gets back to its first state'
        )
    setting = scenario.setting
    if scenario.invariants or setting.recipe or setting.sql or setting.commands or setting.reset_command:
        raise DeadheatError(
            f"{scenario.name}: invariants, recipes, commands and SQL probes are for `deadheat attack` so"
            " far; every outcome is compared with the sequential ones here"
        )
    racers = [Racer(r.request, r.handler) for r in scenario.racers for _ in range(r.count)]
    if requests is not None:
        racers = [racers[index % len(racers)] for index in range(requests)]
    if len(racers) < 2:
        raise DeadheatError(f"{scenario.name}: one request alone does not race; give two racers")
    return msgspec.structs.replace(scenario, racers=tuple(racers))


class Recorded(msgspec.Struct, frozen=True):
    """What a schedule file says beside the order: what held the requests, how the application was started."""

    via: str
    command: tuple[str, ...]


@dataclass
class StatementHunt(Generic[L]):
    """One exploration by statements. Call `run`; `result` is valid at any moment."""

    subject: RocketSubject
    scenario: Scenario
    application: Unmodified
    gate: Gate[L]
    """It is closed when the exploration ends."""
    store: Store
    listen: Listener
    again: str = ""
    """The command that does all this again."""
    recorded: Recorded | None = None
    """What schedule files say; none are written without."""
    memory: Memory | None = None
    """Where what is learned is kept, if it can be gone on with."""
    findings: list[Finding] = field(default_factory=list)
    explorations: list[Exploration] = field(default_factory=list)
    not_tested: list[NotTested] = field(default_factory=list)
    interrupted: bool = False
    _search: Search | None = None
    _hindered: bool = False

    def __post_init__(self) -> None:
        """Say which handler each racer is for."""
        self._started = time.monotonic()
        self._limits = self.subject.config.explore
        racers = []
        for racer in self.scenario.racers:
            handler = handler_of(racer.request, self.subject.review.handlers)
            racers.append(Racer(racer.request, handler.id if handler else str(racer.request)))
        self.scenario = msgspec.structs.replace(self.scenario, racers=tuple(racers))

    def run(self) -> None:
        """Explore, judge, replay.

        Raises:
            DeadheatError: the application cannot be started or its store not be stood before.
        """
        with StatementTarget(self.application, self.gate, self.store) as target:
            target.restart()
            self.listen(Started(target.port, target.starts))
            search = self._search = Search(
                target,
                self.scenario,
                self._limits,
                lambda seen, _: self._classes(target, seen),
                memory=self.memory,
            )
            try:
                for event in search.events():
                    self._hindered = target.hindered
                    self._note(_limited(event) if target.hindered else event)
            except KeyboardInterrupt:
                if not search.finished:
                    self._note(search.interrupted())
                raise
            if search.best and not self.explorations[-1].complete:
                try:
                    self.gate.reach()
                except TargetError as error:
                    why = f"a violating order was seen, and could not be tried again: {error}"
                    self._skip(NotTested(self.scenario.name, why))
                    return
            for name, candidate in search.best.items():
                self._prove(target, search, name, candidate)

    @property
    def further(self) -> str:
        """The command that goes on where the search ended, empty where nothing does."""
        return self._search.again if self._search is not None else ""

    def result(self) -> Run:
        """Give what is known by now."""
        review = self.subject.review
        raced = {racer.handler for racer in self.scenario.racers}
        schedules = sum(e.schedules for e in self.explorations)
        coverage = Coverage(
            files=review.files,
            lines=review.lines,
            handlers=len(review.handlers),
            handlers_exercised=len(raced) if schedules else 0,
            schedules=schedules,
            seconds=time.monotonic() - self._started,
            explorations=tuple(self.explorations),
        )
        return Run(
            tool=Tool(version=__version__),
            target=self.subject.name,
            findings=tuple(self.findings),
            review=review,
            coverage=coverage,
            not_tested=tuple(self.not_tested),
            sources=self.subject.sources,
            notes=(*self.gate.bounds, *self._said()),
            interrupted=self.interrupted,
            dynamic=True,
        )

    def _said(self) -> Iterator[str]:
        """What samples are worth here, where there were any."""
        if any(tally.strategy.startswith("SURW") for e in self.explorations for tally in e.strategies):
            yield _SURW.format(self.gate.noun)
        if self._hindered and not any(exploration.reason == _SHARED for exploration in self.explorations):
            yield f"Not every order that was drawn could be forced: {_SHARED}."

    def _note(self, event: Event) -> None:
        if isinstance(event, Explored):
            self.explorations.append(event.exploration)
            if event.exploration.verdict == "unknown":
                self._skip(NotTested(event.exploration.scenario, event.exploration.reason, self.further))
            elif self.further and not event.exploration.complete:
                rest = f"the other orders of {event.exploration.scenario}"
                self._skip(NotTested(rest, event.exploration.reason, self.further))
        self.listen(event)

    def _classes(self, target: StatementTarget[L], observed: Observed) -> tuple[str, ...]:
        """Name the suspicion this execution confirms, if it can only be one."""
        handlers = {racer.handler for racer in self.scenario.racers}
        tables = set(_tables(target, observed))
        raced = [finding for finding in self.subject.findings if set(finding.handlers) <= handlers]
        fitting = self.gate.fitting(raced, tables)
        return (fitting[0].fingerprint,) if len(fitting) == 1 else (_UNLINKED,)

    def _prove(self, target: StatementTarget[L], search: Search, name: str, candidate: Candidate) -> None:
        search, candidate, smaller = shrunk(
            search,
            candidate,
            name,
            lambda _: lambda seen, _violation: self._classes(target, seen),
            self.subject.config.secrets,
        )
        proof = Prover(target.described(), self._limits, self.listen).prove(search, candidate)
        if isinstance(proof, NotTested):
            self._skip(proof)
            return
        suspected = {finding.fingerprint: finding for finding in self.subject.findings}
        finding = suspected.get(name) or self._unexplained(target, candidate.verdict, candidate.observed)
        proved = msgspec.structs.replace(
            finding,
            proof=Proof.FORCED,
            confidence=Confidence.HIGH,
            evidence=msgspec.structs.replace(proof, history=_placed(proof), again=self.again, shrunk=smaller),
        )
        self.findings.append(proved)
        if self.recorded is not None:
            file = saved(proved, proof, self.subject.location, "", target.described().points)
            how = self.recorded
            file = msgspec.structs.replace(file, via=how.via, command=how.command)
            if missing := filed(self.store, file):
                self._skip(missing)
        self.listen(Forced(proved))

    def _unexplained(self, target: StatementTarget[L], violation: Violation, observed: Observed) -> Finding:
        finding = self.subject.unexplained(self.scenario, violation, observed)
        tables = ", ".join(_tables(target, observed))
        at = next(
            (handler.span for handler in self.subject.review.handlers if handler.id in finding.handlers),
            finding.location,
        )
        return msgspec.structs.replace(
            finding,
            title=f"{finding.title.rpartition(' on ')[0]} on {tables}",
            state=SharedState(f"{self.gate.noun} {tables}", StateKind.EXTERNAL, tables),
            location=at,
        )

    def _skip(self, missing: NotTested) -> None:
        self.not_tested.append(missing)
        self.listen(Skipped(missing))


def _tables(target: StatementTarget[L], observed: Observed) -> tuple[str, ...]:
    """The tables that an execution touched, in order."""
    points = target.point_table
    states = (points[step.point].state or "" for step in observed.execution.steps if step.point in points)
    return tuple(
        dict.fromkeys(
            table for state in states for table in state.split(", ") if table and table != TRANSACTION
        )
    )


def _limited(event: Event) -> Event:
    """Call no exploration complete, and no clean one clean, where requests hindered each other."""
    if not isinstance(event, Explored) or not event.exploration.complete:
        return event
    verdict = "unknown" if event.exploration.verdict == "ok" else event.exploration.verdict
    limited = msgspec.structs.replace(event.exploration, complete=False, verdict=verdict, reason=_SHARED)
    return msgspec.structs.replace(event, exploration=limited)


def _placed(proof: Evidence) -> History:
    """The history without source places: a statement does not say where it was sent from."""
    events = tuple(msgspec.structs.replace(event, span=None) for event in proof.history.events)
    return msgspec.structs.replace(proof.history, events=events)
