"""Exploring one scenario: baseline, serial outcomes, every order, a verdict for each.

Owns what "explored" means for one set of requests from one initial state. It must not know
where the scenario came from nor which finding a violation belongs to: the caller's `classify`
names that, and the best schedule of each class is kept.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

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
    TargetError,
    Unknown,
    Violation,
)
from deadheat.model.config import Explore
from deadheat.oracle import Canon, Observation, aborted, judge, serial_orders
from deadheat.schedule import STRATEGIES, Diverged, End, Proposal, Strategy

_SAY_EVERY = 0.2  # seconds
_DOUBTS = 14  # more sequential runs, in all, before a first violation among unstable outcomes is believed
_CRASHES = 3  # the same order must end the application this often before that is believed


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


class Unexplorable(Exception):  # noqa: N818 - the reason is the message
    """This scenario cannot be explored; the message says why."""


@dataclass
class Search:
    """The exploration of one scenario; iterate `events`, then read the results."""

    target: Executor
    scenario: Scenario
    limits: Explore
    classify: Classify
    number: int = 1
    of: int = 1
    serial: list[SerialOutcome] = field(default_factory=list)
    best: dict[str, Candidate] = field(default_factory=dict)
    controls: int = 0
    schedules: int = 0
    violating: int = 0
    steps: int = 0
    met: bool = False
    finished: bool = False
    stuck_after: tuple[int, ...] = ()
    """Racers in a sequential order whose last one waits for itself; none when all orders end."""
    _canon: Canon = field(default_factory=Canon)
    _runs: dict[tuple[int, ...], list[Observation]] = field(default_factory=dict)
    _doubted: bool = False
    _how: Reset = Reset.RESTART
    _states: dict[Outcome, Violation | None] = field(default_factory=dict)
    _unknown: str = ""

    def __post_init__(self) -> None:
        """Unpack what is used everywhere."""
        self._requests = tuple(racer.request for racer in self.scenario.racers)
        self._started = time.monotonic()

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
        return Exploration(
            scenario=self.scenario.name,
            requests=len(self._requests),
            handlers=tuple(racer.handler or "" for racer in self.scenario.racers),
            schedules=self.schedules,
            violating=self.violating,
            complete=complete,
            seconds=time.monotonic() - self._started,
            verdict=verdict,
            masked=self._canon.masked,
            reason=reason,
            points=self.steps,
        )

    @property
    def reset(self) -> Reset:
        """How the initial state was brought back."""
        return self._how

    def replay(self, order: Sequence[int]) -> tuple[Observed, Violation | None]:
        """Run one schedule from the initial state and judge it.

        Raises:
            Diverged: the application could not follow it.
        """
        observed = self._concurrently(Proposal(tuple(order)))
        trace = observed.execution.trace
        if trace.end is End.DIVERGED or trace.order[: len(order)] != tuple(order):
            raise Diverged(f"the schedule could not be followed after {len(trace.steps)} steps")
        violation = self._judge(observed, confirm=True)
        return observed, violation

    # ------------------------------------------------------------- sequential

    def baseline(self) -> None:
        """Run every sequential order; learn what is unstable, and how to start over.

        Raises:
            Unexplorable: a sequential order does not end, or nothing stable is left to compare.
        """
        self._said = 0.0
        self.target.prepare(self.scenario.preparations)
        orders = list(serial_orders(len(self._requests)))
        first = self._fresh(orders[0])
        self._how = self._choose_reset()
        again = [self._in_order(orders[0]) for _ in range(2)]
        if self._how is not Reset.RESTART and any(o != first for o in again):
            self._distrust_reset(orders[0], first)
        self._runs = {orders[0]: [first, *again]}
        for order in orders[1:]:
            self._runs[order] = [self._in_order(order) for _ in range(2)]
        self._learn()

    def _learn(self) -> None:
        for observations in self._runs.values():
            self._canon.learn(observations)
        if not self._canon.stable:
            raise Unexplorable("an answer differs wholly between identical sequential runs")
        self.controls = sum(map(len, self._runs.values()))
        self.serial = [
            SerialOutcome(order, self._canon.outcome(observations[0]))
            for order, observations in self._runs.items()
        ]

    def _doubt(self) -> bool:
        """Before a first violation is believed where something is unstable: learn from more runs.

        Two entries under made-up keys may have come in one order in the few runs there were.
        """
        if self._doubted or not self._canon.unstable:
            return False
        self._doubted = True
        for order, observations in self._runs.items():
            observations += [self._in_order(order) for _ in range(max(2, _DOUBTS // len(self._runs)))]
        self._states.clear()
        self._learn()
        return True

    def _choose_reset(self) -> Reset:
        if self.scenario.reset_requests:
            return Reset.REQUESTS
        if self.scenario.reset is Reset.SNAPSHOT and self.target.restorable:
            return Reset.SNAPSHOT
        return Reset.RESTART

    def _distrust_reset(self, order: tuple[int, ...], first: Observation) -> None:
        """A run after a reset differed from the first: is it the reset, or the application?"""
        if self._fresh(order) != first:
            return  # restarts differ too: it is the application, and masking learns it
        if self._how is Reset.REQUESTS:
            raise Unexplorable(
                "the declared reset does not bring the initial state back: the same sequential"
                " order gives another result after it"
            )
        self._how = Reset.RESTART

    def _fresh(self, order: tuple[int, ...]) -> Observation:
        self.target.restart()
        return self._in_order(order)

    def _in_order(self, order: tuple[int, ...]) -> Observation:
        self.target.reset(self._how, self.scenario.reset_requests)
        observed = self.target.sequential(self._requests, order, self.scenario.probes)
        if observed.observation.responses.count(None):
            self.target.abandon()
            if observed.stuck:
                self.stuck_after = order[: order.index(observed.stuck[0]) + 1]
            who = ", ".join(str(self._requests[actor]) for actor in observed.stuck) or "a request"
            raise Unexplorable(f"{who} never answers even when the requests run one after the other")
        return observed.observation

    # ------------------------------------------------------------- concurrent

    def _explore(self) -> Iterator[None]:
        strategy = STRATEGIES["source-dpor"]()
        while (proposal := strategy.propose()) is not None:
            if self.schedules >= self.limits.budget:
                self._unknown = f"the budget of {self.limits.budget} schedules is used up"
                return
            if self.violating >= self.limits.enough:
                self._unknown = f"{self.violating} violating orders are enough to prove it"
                return
            self._step(strategy, proposal)
            yield

    def _step(self, strategy: Strategy, proposal: Proposal) -> None:
        observed = self._concurrently(proposal)
        trace = observed.execution.trace
        strategy.observe(trace)
        if trace.end is End.REDUNDANT:
            return
        self.schedules += 1
        self.steps = max(self.steps, len(trace.steps))
        self.met = self.met or len({step.actor for step in trace.steps}) > 1
        violation = self._judge(observed, confirm=not self.violating)
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
                self.target.reset(self._how, self.scenario.reset_requests)
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
        outcome = self._canon.outcome(observed.observation)
        if outcome not in self._states:
            self._complete_serial(outcome)
            verdict = judge(outcome, self.serial)
            if isinstance(verdict, Violation) and self._doubt():
                return self._judge(observed, confirm=confirm)
            if isinstance(verdict, Violation) and self._is_abort(outcome):
                verdict = Unknown("")
            elif isinstance(verdict, Unknown):
                self._unknown = verdict.reason
            self._states[outcome] = verdict if isinstance(verdict, Violation) else None
        return self._states[outcome]

    def _complete_serial(self, outcome: Outcome) -> None:
        """A state first met in some concurrent order had its initial value in every serial one."""
        names = {name for serial in self.serial for name, _ in serial.outcome.state}
        late = {name: self.target.initial[name] for name, _ in outcome.state if name not in names}
        if not late:
            return
        self.serial = [
            SerialOutcome(
                serial.order,
                Outcome(
                    serial.outcome.responses,
                    tuple(sorted({**dict(serial.outcome.state), **late}.items())),
                ),
            )
            for serial in self.serial
        ]

    def _judge_stuck(self, observed: Observed, *, confirm: bool) -> Violation | None:
        if not confirm:
            self.target.abandon()
        elif not self.target.confirm_stuck():
            self._unknown = "requests seemed stuck and went on after all"
            return None
        responses = tuple(
            self._canon.outcome(Observation((response,))).responses[0] if response else "no answer"
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

    def _is_abort(self, outcome: Outcome) -> bool:
        """Whether server errors explain it: the others alone give the rest, so they rolled back."""
        failed = set(aborted(outcome))
        if not failed or any(set(aborted(serial.outcome)) & failed for serial in self.serial):
            return False
        rest = [actor for actor in range(len(self._requests)) if actor not in failed]
        for order in serial_orders(len(rest)):
            self.target.reset(self._how, self.scenario.reset_requests)
            alone = self.target.sequential(
                self._requests, [rest[index] for index in order], self.scenario.probes
            )
            expected = self._canon.outcome(alone.observation)
            if expected.state == outcome.state and all(
                expected.responses[actor] == outcome.responses[actor] for actor in rest
            ):
                return True
        return False

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


def _letters(actors: Sequence[int]) -> str:
    return "".join(chr(ord("A") + actor) for actor in actors)
