"""Exploring one scenario: baseline, serial outcomes, every order, a verdict for each.

Owns what "explored" means for one set of requests from one initial state. It must not know
where the scenario came from nor which finding a violation belongs to: the caller's `classify`
names that, and the best schedule of each class is kept.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from deadheat.engine.baseline import Baseline, Unexplorable
from deadheat.engine.events import Event, Explored, Exploring
from deadheat.engine.executor import Executor
from deadheat.engine.target import Observed, Target
from deadheat.model import (
    Exploration,
    Outcome,
    Preparation,
    Request,
    Reset,
    Scenario,
    SerialOutcome,
    Tally,
    TargetError,
    Unknown,
    Violation,
)
from deadheat.model.config import Explore
from deadheat.oracle import Observation, judge, wilson
from deadheat.schedule import STRATEGIES, Diverged, End, Lane, Portfolio, Problem, Proposal, SourceDpor, Trace

_SAY_EVERY = 0.2  # seconds
_CRASHES = 3  # the same order must end the application this often before that is believed


_UNSEEN = (
    "no request came to a probe, so no order was tried: what they share is used by code that carries none"
    " (another crate, a macro, a library that is not known); try --via postgres, or `deadheat attack`"
)
_DOOR = (
    "some request came to its first probe only after others had gone on: something that no probe sees lets"
    " in fewer at a time (a pool of connections smaller than the number of requests? enlarge it, by"
    " ROCKET_DATABASES under [app.env] in deadheat.toml or in the code)"
)


class Candidate(Struct, frozen=True):
    """A violating execution: in which order, what was seen, and why it is one."""

    order: tuple[int, ...]
    observed: Observed
    verdict: Violation

    @property
    def cost(self) -> tuple[int, int]:
        """What makes a schedule hard to read: switches between requests, then steps."""
        switches = sum(a != b for a, b in zip(self.order, self.order[1:], strict=False))
        return switches, len(self.order)


Classify = Callable[[Observed, Violation], Sequence[str]]


@dataclass
class Search:
    """The exploration of one scenario; iterate `events`, then read the results."""

    target: Executor
    scenario: Scenario
    limits: Explore
    classify: Classify
    number: int = 1
    of: int = 1
    suspects: frozenset[int] = frozenset()
    """The resources that a review suspects, for the samplers."""
    best: dict[str, Candidate] = field(default_factory=dict)
    schedules: int = 0
    violating: int = 0
    steps: int = 0
    met: bool = False
    finished: bool = False
    _portfolio: Portfolio | None = None
    _states: dict[Outcome, Violation | None] = field(default_factory=dict)
    _unknown: str = ""

    def __post_init__(self) -> None:
        """Unpack what is used everywhere."""
        self._requests = tuple(racer.request for racer in self.scenario.racers)
        self._baseline = Baseline(self.target, self.scenario)
        self._started = time.monotonic()
        self._said = 0.0

    def events(self) -> Iterator[Event]:
        """Explore; the last event tells how far it got."""
        complete, reason = False, ""
        try:
            self.baseline()
            yield self._progress()
            for _ in self._explore():
                if time.monotonic() - self._said > _SAY_EVERY:
                    yield self._progress()
            if not self.met:
                self._unknown = self._unknown or "the requests never met: no two of them came to a probe"
            complete = not self._unknown
            reason = self._unknown
        except (Unexplorable, Diverged, TargetError) as error:
            reason = str(error)
            self.target.abandon()
        self.finished = True
        yield Explored(self.result(complete, reason))

    def result(self, complete: bool, reason: str = "") -> Exploration:
        """Say how far the exploration got."""
        verdict = "violation" if self.violating else "ok" if complete and self.schedules else "unknown"
        lanes = self._portfolio.lanes if self._portfolio is not None else []
        return Exploration(
            scenario=self.scenario.name,
            requests=len(self._requests),
            handlers=tuple(racer.handler or "" for racer in self.scenario.racers),
            schedules=self.schedules,
            violating=self.violating,
            complete=complete,
            seconds=time.monotonic() - self._started,
            search=", ".join(lane.strategy.words for lane in lanes),
            verdict=verdict,
            masked=self._baseline.canon.masked,
            reason=reason,
            points=self.steps,
            bound=self._portfolio.bound if self._portfolio is not None else None,
            strategies=tuple(map(_tally, lanes)),
            merged=_merged(lanes, twins=bool(self._baseline.twins)),
        )

    @property
    def reset(self) -> Reset:
        """How the initial state was brought back."""
        return self._baseline.how

    @property
    def serial(self) -> list[SerialOutcome]:
        """The sequential outcomes."""
        return self._baseline.serial

    @property
    def controls(self) -> int:
        """How many sequential runs there were."""
        return self._baseline.controls

    @property
    def stuck_after(self) -> tuple[int, ...]:
        """Racers in a sequential order whose last one waits for itself; none when all orders end."""
        return self._baseline.stuck_after

    def baseline(self) -> None:
        """Run the sequential orders; see `Baseline.run`.

        Raises:
            Unexplorable: a sequential order does not end, or nothing stable is left to compare.
        """
        self._baseline.run()

    def replay(self, order: Sequence[int]) -> tuple[Observed, Violation | None]:
        """Run one schedule from the initial state and judge it.

        Raises:
            Diverged: the application could not follow it.
        """
        observed = self._concurrently(Proposal(tuple(order)))
        trace = observed.execution.trace
        if trace.end is End.DIVERGED or trace.order[: len(order)] != tuple(order):
            after = len(trace.steps)
            raise Diverged(f"the schedule could not be followed after {after} steps", after)
        violation = self._judge(observed, confirm=True)
        return observed, violation

    # ------------------------------------------------------------- concurrent

    def _explore(self) -> Iterator[None]:
        limits = self.limits
        twins = self._baseline.twins
        problem = Problem(len(self._requests), twins, limits.seed, self.suspects, limits.bound)
        self._portfolio = Portfolio(STRATEGIES, limits.strategy, problem, limits.budget)
        for lane, proposal in self._portfolio.turns():
            if self.violating >= limits.enough:
                self._unknown = f"{self.violating} violating orders are enough to prove it"
                return
            self._step(self._portfolio, lane, proposal)
            yield
        if not self._portfolio.complete:
            self._unknown = self._unknown or self._portfolio.unfinished

    def _step(self, portfolio: Portfolio, lane: Lane, proposal: Proposal) -> None:
        observed = self._concurrently(proposal)
        trace = observed.execution.trace
        if not portfolio.observe(lane, trace):
            return
        self.schedules += 1
        self.steps = max(self.steps, len(trace.steps))
        present = {step.actor for step in trace.steps} | {actor for actor, _ in trace.pending}
        if not present and len(self._requests) > 1:
            raise Unexplorable(_UNSEEN)
        self.met = self.met or len(present) > 1
        if len(present) < min(2, len(self._requests)):
            return  # whatever came of it, no order was chosen
        if _late(trace):
            self._unknown = _DOOR
        violation = self._judge(observed, confirm=not self.violating)
        lane.count(violating=violation is not None)
        if violation is None:
            return
        self.violating += 1
        candidate = Candidate(trace.order, observed, violation)
        for name in self.classify(observed, violation):
            kept = self.best.get(name)
            if kept is None or candidate.cost < kept.cost:
                self.best[name] = candidate

    def _concurrently(self, proposal: Proposal) -> Observed:
        for attempt in range(_CRASHES):
            try:
                self.target.reset(self.reset, self.scenario.reset_requests)
                return self.target.concurrent(self._requests, proposal, self.scenario.probes)
            except TargetError as error:
                if attempt + 1 == _CRASHES:
                    raise TargetError(
                        f"in the order {_letters(proposal.prefix)}…, {_CRASHES} of {_CRASHES} times: {error}"
                    ) from error
        raise AssertionError("unreachable")

    def _judge(self, observed: Observed, *, confirm: bool) -> Violation | None:
        """Give the violation, if it is one; what cannot be judged makes the result unknown."""
        if observed.execution.trace.end is End.HUNG:
            self.target.abandon()
            self._unknown = "in some order a request waits for something that no probe sees"
            return None
        if observed.stuck:
            return self._judge_stuck(observed, confirm=confirm)
        outcome = self._baseline.canon.outcome(observed.observation)
        if outcome not in self._states:
            self._baseline.complete(outcome)
            verdict = judge(outcome, self.serial)
            if isinstance(verdict, Violation) and self._baseline.doubt():
                self._states.clear()
                return self._judge(observed, confirm=confirm)
            if isinstance(verdict, Violation) and self._baseline.is_abort(outcome):
                verdict = Unknown("")
            elif isinstance(verdict, Unknown):
                self._unknown = verdict.reason
            self._states[outcome] = verdict if isinstance(verdict, Violation) else None
        return self._states[outcome]

    def _judge_stuck(self, observed: Observed, *, confirm: bool) -> Violation | None:
        if not confirm:
            self.target.abandon()
        elif not self.target.confirm_stuck():
            self._unknown = "requests seemed stuck and went on after all"
            return None
        responses = tuple(
            self._baseline.canon.outcome(Observation((response,))).responses[0] if response else "no answer"
            for response in observed.observation.responses
        )
        waiting = " and ".join(_letters((actor,)) for actor in observed.stuck)
        return Violation(
            f"{waiting} wait for each other's locks and never answer"
            if len(observed.stuck) > 1
            else f"{waiting} waits for a lock that is never released, and never answers",
            Outcome(responses),
            tuple(self.serial),
            deadlock=True,
        )

    def _progress(self) -> Exploring:
        self._said = time.monotonic()
        return Exploring(
            self.scenario,
            self.number,
            self.of,
            self.schedules,
            self.violating,
            self._said - self._started,
        )


def alone(target: Target, request: Request, setup: Sequence[Preparation]) -> Observed:
    """Run one request on a freshly started application."""
    target.prepare(setup)
    target.restart()
    return target.sequential((request,), (0,))


def _late(trace: Trace) -> bool:
    """Whether an actor that took steps was not at its first probe when the execution began."""
    return bool(trace.steps) and not {step.actor for step in trace.steps} <= trace.steps[0].enabled


def _letters(actors: Sequence[int]) -> str:
    return "".join(chr(ord("A") + actor) for actor in actors)


def _tally(lane: Lane) -> Tally:
    chance = lane.chance
    return Tally(
        strategy=lane.strategy.words,
        sampled=lane.samples,
        schedules=lane.schedules,
        violating=lane.violating,
        first=lane.first,
        rate=wilson(lane.violating, lane.schedules) if lane.samples and lane.schedules else None,
        depth=chance.depth if chance else 0,
        chance=chance.least if chance else 0.0,
        missed=chance.missed if chance else 1.0,
        complete=lane.complete,
    )


def _merged(lanes: Sequence[Lane], *, twins: bool) -> tuple[str, ...]:
    """What orders may differ in and are run once by these searches."""
    commuting = any(isinstance(lane.strategy, SourceDpor) for lane in lanes)
    exchanged = twins and any(not lane.samples for lane in lanes)
    return (
        *(("steps that cannot affect each other",) if commuting else ()),
        *(("which of several identical requests is which",) if exchanged else ()),
    )
