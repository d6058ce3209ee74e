"""From source to forced, replayed, explained races, in one go.

Owns the order of the flow and what a run has gathered so far: `result` gives a truthful run at
any moment, so an interruption loses nothing. It decides nothing visual; what happens is told to
a listener as typed events.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from deadheat import __version__
from deadheat.engine import plan
from deadheat.engine.answers import explain_status, mend_first
from deadheat.engine.application import Application, RestartError
from deadheat.engine.candidate import Candidate
from deadheat.engine.declared import explorable
from deadheat.engine.events import (
    Built,
    Event,
    Explored,
    Forced,
    Reviewed,
    Skipped,
    Started,
)
from deadheat.engine.evidence import filed, saved
from deadheat.engine.explore import Classify, Search, alone
from deadheat.engine.link import Linker, as_it_happened, with_roles
from deadheat.engine.memory import Memory
from deadheat.engine.mounted import settled
from deadheat.engine.prove import Prover
from deadheat.engine.reach import Reach
from deadheat.engine.requests import synthesise
from deadheat.engine.shrink import shrunk
from deadheat.engine.subject import Subject
from deadheat.engine.target import Observed, Target
from deadheat.engine.unconfirmed import lowered
from deadheat.io.store import Store
from deadheat.model import (
    Confidence,
    Coverage,
    DeadheatError,
    Evidence,
    Exploration,
    Finding,
    Handler,
    NotTested,
    Preparation,
    Proof,
    Racer,
    Request,
    Run,
    Scenario,
    TargetError,
    Tool,
)
from deadheat.model.config import Config

Listener = Callable[[Event], None]


@dataclass
class Hunt:
    """One hunt over one application. Call `run`; `result` is valid at any moment."""

    subject: Subject
    config: Config
    store: Store
    listen: Listener
    planned: bool = True
    """Whether scenarios are made from the source, beside those that the user declared."""
    memory: Memory | None = None
    """Where what is learned of the one scenario is kept, if it can be gone on with."""
    findings: dict[str, Finding] = field(default_factory=dict)
    explorations: list[Exploration] = field(default_factory=list)
    not_tested: list[NotTested] = field(default_factory=list)
    exercised: set[str] = field(default_factory=set)
    interrupted: bool = False
    _setups: dict[str, tuple[Preparation, ...]] = field(default_factory=dict)
    _best: dict[str, tuple[Search, Candidate]] = field(default_factory=dict)
    _search: Search | None = None
    _application: Application | None = None
    _observed: set[str] = field(default_factory=set)
    _placed: int = 0
    _notes: tuple[str, ...] = ()
    _dropped: int = 0

    def __post_init__(self) -> None:
        """Take the suspicions of the review as the findings so far."""
        self._started = time.monotonic()
        self.findings = {finding.fingerprint: finding for finding in self.subject.findings}

    def run(self) -> None:
        """Review, build, explore, judge, replay.

        Raises:
            DeadheatError: the project cannot be built or the application not started.
        """
        review = self.subject.review
        self.listen(
            Reviewed(
                review.files,
                review.lines,
                len(review.handlers),
                len(review.states),
                len(self.findings),
            )
        )
        for file, reason in review.skipped:
            self._skip(NotTested(file, f"not read: {reason}"))
        requests = self._requests() if self.planned else {}
        if not self._scenarios(requests):
            self._skip(NotTested("every handler", "no two requests share state that a probe can reach"))
            return
        began = time.monotonic()
        build = self.subject.build(self.listen)
        self._application = build.application
        self._placed, self._dropped, self._notes = build.placed, build.dropped, build.notes
        self.listen(Built(build.placed, build.dropped, build.cached, time.monotonic() - began))
        if self.memory is not None:
            self.memory.same("the source of the application, or how it is built", build.application.build)
        for missing in plan.unprobed(review, list(requests), build.application.points):
            self._skip(missing)
        with Target(build.application, self.store) as target:
            usable = self._try_alone(target, requests)
            self.listen(Started(target.port, target.starts))
            self._explore_all(target, usable)
            self._prove_all()
        self._settle_suspicions()

    @property
    def further(self) -> str:
        """The command that goes on where the last scenario ended, empty where nothing does."""
        return self._search.again if self._search is not None else ""

    def result(self) -> Run:
        """Give what is known by now."""
        review = self.subject.review
        coverage = Coverage(
            files=review.files,
            lines=review.lines,
            handlers=len(review.handlers),
            handlers_exercised=len(self.exercised),
            probes_placed=self._placed,
            probes_dropped=self._dropped,
            schedules=sum(e.schedules for e in self.explorations),
            seconds=time.monotonic() - self._started,
            explorations=tuple(self.explorations),
        )
        return Run(
            tool=Tool(version=__version__),
            target=self.subject.name,
            findings=tuple(self.findings.values()),
            review=review,
            coverage=coverage,
            not_tested=tuple(self.not_tested),
            sources=self.subject.sources,
            interrupted=self.interrupted,
            dynamic=True,
            notes=self._notes,
        )

    # ------------------------------------------------------------------ plan

    def _requests(self) -> dict[str, Request]:
        """Give a request for every handler that can be asked; the others are not tested."""
        result: dict[str, Request] = {}
        for handler in self.subject.review.handlers:
            if not handler.mounted or self.config.ignores(handler):
                why = "deadheat.toml ignores it" if handler.mounted else "no routes! mounts it"
                self._skip(NotTested(handler.endpoint, why))
                continue
            request = synthesise(handler, self.config)
            if isinstance(request, NotTested):
                self._skip(request)
            else:
                result[handler.id] = request
        return result

    def _scenarios(self, requests: Mapping[str, Request]) -> list[Scenario]:
        declared = explorable(self.config.scenarios, self.subject.review.handlers, self._skip)
        covered = {tuple(sorted(r.handler or "" for r in s.racers)) for s in declared}
        if not self.planned:
            return declared
        planned = plan.scenarios(self.subject.review, requests, self.config.explore.requests, self._setups)
        return declared + [
            plan.with_reset(scenario, self.config.scenarios)
            for scenario in planned
            if tuple(sorted(r.handler or "" for r in scenario.racers)) not in covered
        ]

    def _try_alone(self, target: Target, requests: Mapping[str, Request]) -> dict[str, Request]:
        """Ask each handler once, by itself: does it answer, and is it the handler that answers?"""
        usable: dict[str, Request] = {}
        refused: dict[str, tuple[Request, int]] = {}
        reasons: dict[str, NotTested] = {}
        probed, routes = plan.probed(self.subject.review), target.routes
        for handler in self.subject.review.handlers:
            guess = requests.get(handler.id)
            if guess is None or not probed.get(handler.id):
                continue
            request = settled(handler, guess, routes)
            if isinstance(request, NotTested):
                self._skip(request)
                continue
            try:
                observed = alone(target, request, ())
            except RestartError as error:
                self._skip(NotTested("every handler", str(error)))
                return {}
            except TargetError as error:
                if target.starts == 1 and not usable:
                    raise
                self._skip(NotTested(handler.endpoint, f"alone, it ends the application: {error}"))
                continue
            response = observed.observation.responses[0]
            if response is None:
                self._hangs_alone(target, handler, request, observed)
                continue
            missing = explain_status(handler, response.status, response.body, request)
            if missing is not None:
                reasons[handler.id] = missing
                refused[handler.id] = request, response.status
                continue
            usable[handler.id] = request
        reach = Reach(target, self.subject.review, self.config, self.subject.sources, usable)
        reached = reach.improve(refused)
        self._setups = reach.setups
        for name, (request, setup) in reach.waiting.items():
            racer, ahead = Racer(request, name), tuple(step.request for step in setup)
            if self._waits_for_itself(target, racer, alone(target, request, setup), ahead):
                reasons[name] = mend_first(reasons[name].what)
        declared = {
            racer.handler: scenario.name for scenario in self._scenarios({}) for racer in scenario.racers
        }
        for name, missing in reasons.items():
            if name in declared:
                why = f"it is raced as `{declared[name]}` declares it and not otherwise: {missing.why}"
                self._skip(msgspec.structs.replace(missing, what=f"{missing.what} beside others", why=why))
            elif name not in reached:
                self._skip(missing)
        return reach.requests

    # --------------------------------------------------------------- explore

    def _explore_all(self, target: Target, requests: Mapping[str, Request]) -> None:
        scenarios = self._scenarios(requests)
        self._observed = {scenario.name for scenario in scenarios if scenario.probes}
        for number, scenario in enumerate(scenarios, 1):
            linker = Linker(tuple(self.findings.values()), target.point_table, scenario)
            search = Search(
                target,
                scenario,
                self.config.explore,
                linker.proved,
                number,
                len(scenarios),
                linker.suspects,
                memory=self.memory,
            )
            self._search = search
            try:
                for event in search.events():
                    self._note(event)
            except KeyboardInterrupt:
                if not search.finished:
                    self._note(search.interrupted())
                self._keep_best(search)
                raise
            self._keep_best(search)
            self._waits_after(target, search)

    def _note(self, event: Event) -> None:
        if isinstance(event, Explored):
            self.explorations.append(event.exploration)
            if event.exploration.schedules:
                self.exercised |= set(event.exploration.handlers)
            if event.exploration.verdict == "unknown":
                self._skip(NotTested(event.exploration.scenario, event.exploration.reason, self.further))
            elif self.further and not event.exploration.complete:
                rest = f"the other orders of {event.exploration.scenario}"
                self._skip(NotTested(rest, event.exploration.reason, self.further))
        self.listen(event)

    def _keep_best(self, search: Search) -> None:
        """Keep, for each class, the candidate with fewest requests, then fewest switches."""
        for name, candidate in search.best.items():
            kept = self._best.get(name)
            rank = (len(search.scenario.racers), *candidate.cost)
            if kept is None or rank < (len(kept[0].scenario.racers), *kept[1].cost):
                self._best[name] = (search, candidate)

    # ----------------------------------------------------------------- prove

    def _prove_all(self) -> None:
        for name, (found_by, found) in self._best.items():
            if name not in self.findings and self._explained(found_by, found):
                continue
            search, candidate, smaller = shrunk(found_by, found, name, self._classes, self.config.secrets)
            proof = self._prover().prove(search, candidate)
            if isinstance(proof, NotTested):
                self._skip(proof)
                continue
            proof = msgspec.structs.replace(proof, shrunk=smaller)
            self._forced(
                self.findings.get(name)
                or self.subject.unexplained(search.scenario, candidate.verdict, candidate.observed),
                proof,
            )

    def _classes(self, scenario: Scenario) -> Classify:
        points = {point.id: point for point in self._require_application().points}
        return Linker(tuple(self.findings.values()), points, scenario).proved

    def _explained(self, search: Search, candidate: Candidate) -> bool:
        """Whether a finding already proved on a handler of this group accounts for it."""
        handlers = {racer.handler for racer in search.scenario.racers}
        return any(
            finding.evidence is not None
            and finding.evidence.verdict.deadlock == candidate.verdict.deadlock
            and handlers & set(finding.handlers)
            for finding in self.findings.values()
        )

    def _hangs_alone(self, target: Target, handler: Handler, request: Request, observed: Observed) -> None:
        if not observed.stuck:
            target.abandon()
            self._skip(NotTested(handler.endpoint, "alone, it never answers, and no probe tells why"))
            return
        if self._waits_for_itself(target, Racer(request, handler.id), observed):
            self._skip(mend_first(handler.endpoint))

    def _waits_after(self, target: Target, search: Search) -> None:
        """A sequential order does not end: prove its last request, after those ahead of it."""
        racers = [search.scenario.racers[actor] for actor in search.stuck_after]
        if not racers or any(
            finding.evidence is not None and racers[-1].handler in finding.handlers
            for finding in self.findings.values()
        ):
            return
        setup = (*search.scenario.setup, *(racer.request for racer in racers[:-1]))
        observed = alone(target, racers[-1].request, tuple(map(Preparation, setup)))
        if observed.stuck:
            self._waits_for_itself(target, racers[-1], observed, setup)

    def _waits_for_itself(
        self, target: Target, racer: Racer, observed: Observed, setup: tuple[Request, ...] = ()
    ) -> bool:
        """Prove that the request holds what it waits for; whether that succeeded."""
        search, proof = self._prover().prove_alone(target, racer, observed, setup)
        self._note(Explored(search.result(complete=True)))
        if isinstance(proof, NotTested):
            self._skip(proof)
            return False
        linker = Linker(tuple(self.findings.values()), target.point_table, proof.scenario)
        for name in linker.proved(observed, proof.verdict):
            self._forced(
                self.findings.get(name) or self.subject.unexplained(proof.scenario, proof.verdict, observed),
                proof,
            )
        return True

    def _forced(self, finding: Finding, proof: Evidence) -> None:
        application = self._require_application()
        points = {point.id: point for point in application.points}
        finding = as_it_happened(finding, proof.history, points)
        told = msgspec.structs.replace(proof, history=with_roles(proof.history, finding, points))
        proved = msgspec.structs.replace(
            finding, proof=Proof.FORCED, confidence=Confidence.HIGH, evidence=told
        )
        self.findings[finding.fingerprint] = proved
        file = saved(proved, proof, self.subject.location, application.build, application.points)
        if missing := filed(self.store, file):
            self._skip(missing)
        self.listen(Forced(proved))

    def _settle_suspicions(self) -> None:
        for name, finding in self.findings.items():
            self.findings[name] = lowered(finding, self.explorations, self._observed)

    # ---------------------------------------------------------------- helpers

    def _skip(self, missing: NotTested) -> None:
        if missing not in self.not_tested:
            self.not_tested.append(missing)
            self.listen(Skipped(missing))

    def _prover(self) -> Prover:
        return Prover(self._require_application(), self.config.explore, self.listen)

    def _require_application(self) -> Application:
        if self._application is None:
            raise DeadheatError("nothing has been built yet")
        return self._application
