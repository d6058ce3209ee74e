"""What a run of an attack means.

Owns the order of questions: do the invariants hold, does some sequential order explain it, and if
neither can be said, why. A refusal that no sequential run gave (429, 503, a failed server) may be
an abort that rolled back, which is legal: it is unknown, and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from deadheat.engine.attack.control import Control
from deadheat.engine.attack.stage import Trial
from deadheat.model import Ok, Outcome, Racer, Unknown, Verdict, Violation
from deadheat.oracle import judge
from deadheat.oracle.invariants import Answer, Broken, Facts, Invariant, judge_all
from deadheat.oracle.serial import nearest

_REFUSALS = frozenset({429, 502, 503, 504})
_MOST = 6


class Judged(Struct, frozen=True):
    """A trial with its verdict; `broken` names the invariant, None where the orders decided."""

    trial: Trial
    verdict: Verdict
    broken: str | None = None
    refused: bool = False


@dataclass
class Judge:
    """Judges trials against invariants and sequential orders."""

    control: Control
    invariants: tuple[Invariant, ...]
    racers: tuple[Racer, ...]
    limit: int | None = None

    @property
    def oracles(self) -> tuple[str, ...]:
        """What judges, in words."""
        names = tuple(f"invariant {invariant.source}" for invariant in self.invariants)
        if self.control.enumerable and self.control.canon.stable:
            count = len({serial.order for serial in self.control.serial})
            names += (f"every sequential order ({count})",)
        return names

    def judge(self, trial: Trial) -> Judged:
        """Judge a concurrent run or a hold."""
        refused = self._refused(trial)
        broken, unknown = judge_all(self.invariants, self.facts(trial))
        outcome = self.control.canon.outcome(self.control.outcome(trial))
        if broken:
            return Judged(trial, self._broken(broken, outcome, trial), broken[0].source, refused)
        if refused:
            return Judged(trial, Unknown("the server refused some of the requests"), None, refused=True)
        if self.control.enumerable and self.control.canon.stable:
            return Judged(trial, judge(outcome, self.control.serial))
        if unknown:
            return Judged(trial, Unknown(unknown[0]))
        if self.invariants:
            return Judged(trial, Ok())
        return Judged(trial, Unknown("nothing says what would be wrong"))

    def sequential(self, trial: Trial) -> str | None:
        """The invariant that a sequential run breaks, None when all hold."""
        alone = self.control.alone
        broken, _ = judge_all(self.invariants, self.facts(trial, alone))
        return broken[0].source if broken else None

    def facts(self, trial: Trial, alone: Sequence[int] | None = None) -> Facts:
        """A trial as invariants see it."""
        answers = tuple(
            Answer(
                answer.status if answer else 0,
                answer.text if answer else "",
                answer.headers if answer else (),
                actor,
                racer.request.principal,
                racer.group,
            )
            for actor, (answer, racer) in enumerate(
                zip(trial.observation.responses, self.racers, strict=True)
            )
        )
        return Facts(
            answers,
            trial.observation.state,
            trial.before,
            tuple(self.control.alone if alone is None else alone),
            self.limit,
        )

    def _refused(self, trial: Trial) -> bool:
        legal = self.control.statuses
        return any(
            answer is not None
            and (answer.status in _REFUSALS or answer.status >= 500)
            and answer.status not in legal
            for answer in trial.observation.responses
        )

    def _broken(self, broken: Sequence[Broken], outcome: Outcome, trial: Trial) -> Violation:
        facts = self.facts(trial)
        words = f"`{broken[0].source}` does not hold"
        if "successes" in broken[0].source:
            most = max(facts.alone, default=None)
            alone = f", one by one at most {most}" if most is not None else ""
            words += f": {facts.successes} of {len(facts.answers)} succeeded{alone}"
        serial = nearest(outcome, self.control.serial) if self.control.enumerable else ()
        return Violation(words, outcome, serial[:_MOST])
