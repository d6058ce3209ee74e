"""From a violating schedule to a proof: run it again and again, from a fresh process.

Owns what "forced" means: the schedule gave the violation every single time, at least twenty
times. One miss means that something besides the order of steps decides, and that is said
instead.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from deadheat.engine.application import Application
from deadheat.engine.candidate import Candidate
from deadheat.engine.events import Event, Replaying
from deadheat.engine.evidence import history_of, schedule_id, schedule_of
from deadheat.engine.explore import Search, alone
from deadheat.engine.target import Observed, Target
from deadheat.model import (
    Evidence,
    History,
    NotTested,
    Outcome,
    Racer,
    Request,
    Reset,
    Scenario,
    SerialOutcome,
    TargetError,
    Trials,
    Violation,
)
from deadheat.model.config import Explore
from deadheat.oracle import wilson
from deadheat.schedule import Diverged

_SAY_EVERY = 10


@dataclass(frozen=True)
class Prover:
    """Proves on one application; `replays` in `limits` is how often."""

    application: Application
    limits: Explore
    listen: Callable[[Event], None]

    def prove(self, search: Search, candidate: Candidate) -> Evidence | NotTested:
        """Replay the candidate's schedule; what does not come back every time is not forced."""
        name = self._name(search.scenario, candidate.observed)
        violated, last = 0, candidate.observed
        search.target.prepare(search.scenario.preparations)
        search.target.abandon()
        for done in range(1, self.limits.replays + 1):
            try:
                observed, violation = search.replay(candidate.order)
            except (Diverged, TargetError):
                search.target.abandon()
            else:
                if violation is not None:
                    violated, last = violated + 1, observed
            self._say(name, violated, done)
        if violated < self.limits.replays:
            return NotTested(
                search.scenario.name,
                f"a violating order was seen, but it came back only {violated} of"
                f" {self.limits.replays} times: something besides the order of steps decides",
            )
        return self._evidence(search, last, candidate.verdict, violated)

    def prove_alone(
        self, target: Target, racer: Racer, observed: Observed, setup: tuple[Request, ...] = ()
    ) -> tuple[Search, Evidence | NotTested]:
        """Prove that one request waits for itself (after `setup`): it needs no second one at once."""
        after = f" after {', '.join(map(str, setup))}" if setup else ""
        scenario = Scenario(f"{racer.request}{after}", (racer,), setup, reset=Reset.RESTART)
        search = Search(target, scenario, self.limits, lambda *_: ())
        search.schedules = search.violating = 1
        name = self._name(scenario, observed)
        violated = 0
        for done in range(1, self.limits.replays + 1):
            if done > 1:
                observed = alone(target, racer.request, scenario.preparations)
            violated += bool(observed.stuck) and target.confirm_stuck()
            self._say(name, violated, done)
        if violated < self.limits.replays:
            return search, NotTested(
                scenario.name, f"alone, it waited for itself {violated} of {self.limits.replays} times"
            )
        verdict = Violation(
            "the request waits for a lock that it holds itself, and never answers",
            Outcome(("no answer",)),
            deadlock=True,
        )
        return search, self._evidence(search, observed, verdict, violated)

    def _evidence(self, search: Search, observed: Observed, verdict: Violation, violated: int) -> Evidence:
        points = search.target.point_table
        scenario = msgspec.structs.replace(search.scenario, reset=search.reset)
        replays = self.limits.replays
        history = history_of(observed, scenario, points, self.application.paths)
        return Evidence(
            scenario=scenario,
            schedule=schedule_of(observed, points),
            schedule_id=self._name(scenario, observed),
            history=history,
            verdict=_telling(verdict, history),
            trials=Trials(violated, replays, wilson(violated, replays)),
            serial_controls=search.controls,
            explored=search.schedules,
            violating=search.violating,
        )

    def _name(self, scenario: Scenario, observed: Observed) -> str:
        points = {point.id: point for point in self.application.points}
        return schedule_id(self.application.name, scenario, schedule_of(observed, points))

    def _say(self, name: str, violated: int, done: int) -> None:
        if done % _SAY_EVERY == 0:
            self.listen(Replaying(name, violated, done, self.limits.replays))


def _telling(verdict: Violation, history: History) -> Violation:
    """Leave out of the outcomes the state that nobody touched and that never differs."""
    outcomes = [verdict.observed, *(serial.outcome for serial in verdict.serial)]
    touched = {event.state for event in history.events}
    values: dict[str, set[str]] = {}
    for outcome in outcomes:
        for name, value in outcome.state:
            values.setdefault(name, set()).add(value)
    kept = {name for name, several in values.items() if len(several) > 1 or name in touched}

    def trimmed(outcome: Outcome) -> Outcome:
        return Outcome(outcome.responses, tuple(pair for pair in outcome.state if pair[0] in kept))

    return msgspec.structs.replace(
        verdict,
        observed=trimmed(verdict.observed),
        serial=tuple(SerialOutcome(s.order, trimmed(s.outcome)) for s in verdict.serial),
    )
