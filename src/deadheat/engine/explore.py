"""Exploring one scenario: baseline, serial outcomes, every order, a verdict for each.

Owns what "explored" means for one set of requests from one initial state. It must not know
where the scenario came from nor which finding a violation belongs to: the caller's `classify`
names that, and the best schedule of each class is kept.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deadheat.engine.baseline import Baseline, Unexplorable
from deadheat.engine.candidate import Candidate
from deadheat.engine.events import Event, Explored, Exploring
from deadheat.engine.executions import DOOR, UNSEEN, followed, late, letters
from deadheat.engine.executor import Executor
from deadheat.engine.laps import AHEAD
from deadheat.engine.memory import Entry, Memory
from deadheat.engine.tallies import merged, tally
from deadheat.engine.target import Observed, Target
from deadheat.model import (
    Exploration,
    Outcome,
    Preparation,
    Request,
    Reset,
    Scenario,
    SerialOutcome,
    TargetError,
    Unknown,
    Violation,
)
from deadheat.model.config import Explore
from deadheat.oracle import Observation, judge
from deadheat.schedule import STRATEGIES, Diverged, End, Lane, Portfolio, Problem, Proposal, Trace

_SAY_EVERY = 0.2  # seconds
_CRASHES = 3  # the same order must end the application this often before that is believed
_MOST_LOST = 4  # such orders, after which no more are tried

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
    known: Reset | None = None
    """How the first state is brought back, where requests to the same handlers have shown that."""
    memory: Memory | None = None
    """Where what is learned is kept, and what was learned before; None to forget it."""
    best: dict[str, Candidate] = field(default_factory=dict)
    schedules: int = 0
    violating: int = 0
    steps: int = 0
    met: bool = False
    finished: bool = False
    _portfolio: Portfolio | None = None
    _states: dict[Outcome, Violation | None] = field(default_factory=dict)
    _unknown: str = ""
    _unfinished: str = ""
    _enough: bool = False

    def __post_init__(self) -> None:
        """Unpack what is used everywhere."""
        self._requests = tuple(racer.request for racer in self.scenario.racers)
        self._baseline = Baseline(self.target, self.scenario, how=self.known or Reset.RESTART)
        self._started = time.monotonic()
        self._said = 0.0
        if self.memory is not None:
            self._started -= self.memory.seconds
            self.best |= self.memory.best

    def events(self) -> Iterator[Event]:
        """Explore; the last event tells how far it got.

        Raises:
            DeadheatError: what it is to go on from is not what was explored.
        """
        complete, reason = False, ""
        try:
            self._recall()
            self.baseline()
            self._recognise()
            yield self._progress()
            for _ in self._explore():
                if time.monotonic() - self._said > _SAY_EVERY:
                    yield self._progress()
            if not self.met:
                self._unknown = self._unknown or "the requests never met: no two of them came to a probe"
            reason = self._unknown or self._unfinished
            complete = not reason
        except (Unexplorable, Diverged, TargetError) as error:
            reason = str(error)
            self.target.abandon()
        self._keep()
        self.finished = True
        yield Explored(self.result(complete, reason))

    def interrupted(self) -> Explored:
        """Keep what was learned, and say how far it got."""
        self._keep()
        return Explored(self.result(complete=False, reason="interrupted"))

    @property
    def again(self) -> str:
        """The command that goes on from where this ended, empty where nothing does."""
        memory, portfolio = self.memory, self._portfolio
        if memory is None or memory.failed or self._enough or portfolio is None or not portfolio.further:
            return ""
        spent = self.finished and self._unfinished
        return f"{memory.again} --budget {2 * portfolio.budget}" if spent else memory.again

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
            strategies=tuple(map(tally, lanes)),
            merged=merged(lanes, twins=bool(self._baseline.twins)),
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
        self._baseline.run(self.known)

    def replay(self, order: Sequence[int]) -> tuple[Observed, Violation | None]:
        """Run one schedule from the initial state and judge it.

        Raises:
            Diverged: the application could not follow it.
        """
        observed = self.attempt(order)
        if not followed(observed, order):
            after = len(observed.execution.trace.steps)
            raise Diverged(f"the schedule could not be followed after {after} steps", after)
        violation = self._judge(observed, confirm=True)
        return observed, violation

    def attempt(self, order: Sequence[int]) -> Observed:
        """Run one schedule from the initial state, as far as the application follows it."""
        return self._concurrently(Proposal(tuple(order)))

    # ------------------------------------------------------------- concurrent

    def _explore(self) -> Iterator[None]:
        limits, memory = self.limits, self.memory
        twins = self._baseline.twins
        problem = Problem(len(self._requests), twins, limits.seed, self.suspects, limits.bound)
        first, *raised = memory.budgets if memory is not None else (limits.budget,)
        self._portfolio = Portfolio(STRATEGIES, limits.strategy, problem, first, raised)
        known = memory.entries() if memory is not None else iter(())
        for lane, proposal in self._portfolio.turns():
            if self.violating >= limits.enough:
                self._enough = True
                self._unfinished = f"{self.violating} violating orders are enough to prove it"
                return
            entry = next(known, None)
            if entry is not None:
                self._again(self._portfolio, lane, entry)
            else:
                self._step(self._portfolio, lane, proposal)
                if memory is not None and memory.due:
                    self._keep()
            yield
        if not self._portfolio.complete:
            self._unfinished = self._portfolio.unfinished

    def _step(self, portfolio: Portfolio, lane: Lane, proposal: Proposal) -> None:
        try:
            observed = self._concurrently(proposal, portfolio.ahead(AHEAD))
        except TargetError as error:
            self._lose(portfolio, lane, error)
            self._note(portfolio, lane, None)
            return
        violation = None
        if self._observe(portfolio, lane, observed.execution.trace):
            violation = self._judge(observed, confirm=not self.violating)
            self._count(lane, violating=violation is not None)
        if violation is not None:
            self._prefer(Candidate(observed.execution.trace.order, observed, violation))
        self._note(portfolio, lane, observed.execution.trace, violating=violation is not None)

    def _observe(self, portfolio: Portfolio, lane: Lane, trace: Trace) -> bool:
        """Let the search learn from an execution; whether it is one of several requests in an order."""
        if not portfolio.observe(lane, trace):
            return False
        self.schedules += 1
        self.steps = max(self.steps, len(trace.steps))
        present = {step.actor for step in trace.steps} | {actor for actor, _ in trace.pending}
        if not present and len(self._requests) > 1:
            raise Unexplorable(UNSEEN)
        self.met = self.met or len(present) > 1
        if len(present) < min(2, len(self._requests)):
            return False  # whatever came of it, no order was chosen
        if late(trace):
            self._unknown = DOOR
        return True

    def _count(self, lane: Lane, *, violating: bool) -> None:
        lane.count(violating=violating)
        self.violating += violating

    def _prefer(self, candidate: Candidate) -> None:
        for name in self.classify(candidate.observed, candidate.verdict):
            kept = self.best.get(name)
            if kept is None or candidate.cost < kept.cost:
                self.best[name] = candidate
                if self.memory is not None:
                    self.memory.prefer(name, candidate)

    def _lose(self, portfolio: Portfolio, lane: Lane, error: TargetError) -> None:
        """Go on without an order that ends the application, if that is what it takes to end it.

        Raises:
            TargetError: one request after the other ends it, too, or there are too many such orders.
        """
        self.target.abandon()
        self._baseline.again()
        lane.lost += 1
        self._unknown = f"{error} (one request after the other does not end it)"
        if sum(each.lost for each in portfolio.lanes) >= _MOST_LOST:
            raise TargetError(f"{self._unknown}; {_MOST_LOST} orders did, and no more were tried")

    # ------------------------------------------------------------------- memory

    def _recall(self) -> None:
        if self.memory is not None:
            self.memory.same("the scenario, or how it is searched", (self.scenario, *_searched(self.limits)))
            self.target.recall(self.memory.numbers)

    def _recognise(self) -> None:
        if self.memory is not None:
            outcomes = (sorted(self._baseline.twins.items()), self._baseline.serial)
            self.memory.same("what the requests give one after the other", outcomes)

    def _again(self, portfolio: Portfolio, lane: Lane, entry: Entry) -> None:
        """Let the search learn from an execution of an earlier process."""
        assert self.memory is not None
        if portfolio.lanes.index(lane) != entry.lane:
            raise self.memory.unlike()
        if entry.trace is None:
            lane.lost += 1
        else:
            try:
                seen = self._observe(portfolio, lane, entry.trace)
            except Diverged as error:
                raise self.memory.unlike() from error
            if seen:
                self._count(lane, violating=entry.violating)
        self._unknown = self._unknown or self.memory.unknown

    def _note(
        self, portfolio: Portfolio, lane: Lane, trace: Trace | None, *, violating: bool = False
    ) -> None:
        if self.memory is not None:
            self.memory.note(Entry(portfolio.lanes.index(lane), trace, violating))

    def _keep(self) -> None:
        if self.memory is not None:
            seconds = time.monotonic() - self._started
            self.memory.keep(self._unknown, seconds, self.target.remember())

    # --------------------------------------------------------------------- judge

    def _concurrently(self, proposal: Proposal, ahead: Sequence[Proposal] = ()) -> Observed:
        for attempt in range(_CRASHES):
            try:
                self.target.reset(self.reset, self.scenario.reset_requests)
                return self.target.concurrent(self._requests, proposal, self.scenario.probes, ahead)
            except TargetError as error:
                if attempt + 1 == _CRASHES:
                    raise TargetError(
                        f"in the order {letters(proposal.prefix)}…, {_CRASHES} of {_CRASHES} times: {error}"
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
        waiting = " and ".join(letters((actor,)) for actor in observed.stuck)
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


def _searched(limits: Explore) -> tuple[str, int | None, int]:
    return limits.strategy, limits.bound, limits.seed


def alone(target: Target, request: Request, setup: Sequence[Preparation]) -> Observed:
    """Run one request on a freshly started application."""
    target.prepare(setup)
    target.restart()
    return target.sequential((request,), (0,))
