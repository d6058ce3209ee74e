"""An attack as a whole: several scenarios on one server, within one allowance.

Owns what the scenarios share: the connections, the sessions, the caps, the source where it is known.
`result` gives a truthful run at any moment.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from deadheat import __version__
from deadheat.engine.attack import found
from deadheat.engine.attack.courier import Courier
from deadheat.engine.attack.mutate import Variant, variants
from deadheat.engine.attack.one import OneAttack
from deadheat.engine.attack.session import Sessions, by_name
from deadheat.engine.attack.stage import Stage
from deadheat.engine.events import Attacked, Event, Skipped
from deadheat.io.serve import Served
from deadheat.model import (
    Attack,
    Coverage,
    DeadheatError,
    Finding,
    NotTested,
    Proof,
    Racer,
    Review,
    Run,
    Scenario,
    Tool,
    Unknown,
    Violation,
)
from deadheat.model.config import Config
from deadheat.report.secrets import Masker

_NOTES = frozenset({"no-free-core", "some-failed", "rate-limited", "pool-exhausted"})
_MUTATION_ROUNDS = 20
_VIOLATION_SHARE = 0.5  # of the requests that mutations may have


class Plan(Struct, frozen=True):
    """What to attack and how far.

    `again` is the command line without the scenario; `mutate` how many variants of a scenario are
    tried; `source` where `deadheat hunt` finds the application, empty when that is not known.
    """

    scenarios: tuple[Scenario, ...]
    seed: int = 0
    rounds: int = 1_000_000
    mutate: int = 0
    again: Callable[[str], str] = lambda name: f"deadheat attack {name}"
    source: str = ""


@dataclass
class AttackRun:
    """One attack. Call `run`; `result` is valid at any moment."""

    courier: Courier
    config: Config
    plan: Plan
    listen: Callable[[Event], None]
    served: Served | None = None
    review: Review | None = None
    suspected: Sequence[Finding] = ()
    sources: tuple[tuple[str, str], ...] = ()
    findings: dict[str, Finding] = field(default_factory=dict)
    attacks: list[Attack] = field(default_factory=list)
    not_tested: list[NotTested] = field(default_factory=list)
    interrupted: bool = False

    def __post_init__(self) -> None:
        """Nothing is sent yet."""
        self._began = time.monotonic()
        self._masker = Masker()
        self.sessions = Sessions(by_name(self.config.principals), self.plan.seed)

    def run(self) -> None:
        """Attack every scenario.

        Raises:
            TargetError: the server is not permitted or cannot be reached at all.
        """
        if self.served is not None:
            self.served.restart()
        self.courier.survey()
        left = list(self.plan.scenarios)
        while left:
            scenario = left.pop(0)
            share = self.courier.allowance.left // (len(left) + 1)
            self._attack(scenario, share)

    def _attack(self, scenario: Scenario, share: int) -> None:
        mutations = self._variants(scenario) if self.plan.mutate else ()
        own = int(share * (1 - _VIOLATION_SHARE)) if mutations else share
        one = self._one(scenario, own, self.plan.rounds)
        tried: dict[str, list[int]] = {}
        try:
            self._go(one)
            self._conclude(one, scenario)
            for variant in mutations:
                each = share * _VIOLATION_SHARE / len(mutations)
                self._mutated(scenario, variant, int(each), tried)
        finally:
            attack = structs.replace(
                one.result(), mutations=tuple((name, *counts) for name, counts in tried.items())
            )  # fmt: skip
            self.attacks.append(attack)
            self._account(attack, one)
            self.listen(Attacked(attack))

    def _one(self, scenario: Scenario, requests: int, rounds: int) -> OneAttack:
        before = any("before" in source for source in scenario.invariants)
        stage = Stage(self.courier, scenario, self.sessions, self.served, look_before=before)
        return OneAttack(stage, requests, rounds, self.plan.seed)

    def _go(self, one: OneAttack) -> None:
        try:
            for event in one.events():
                self.listen(event)
        except DeadheatError as error:
            one.failure = str(error)

    def _conclude(self, one: OneAttack, scenario: Scenario, words: str = "") -> None:
        """Make the finding, if there is one."""
        again = self.plan.again(scenario.name)
        if one.logic is not None:
            trial, broken = one.logic
            outcome = one.control.canon.outcome(one.control.outcome(trial))
            verdict = Violation(f"one after the other, `{broken}` does not hold already", outcome)
            counts = found.Counts(1, 1)
            self._found(
                found.finding(
                    scenario, one.stage.racers, trial, verdict, counts, rule="sequential-violation",
                    proof=Proof.FORCED, again=again, review=self.review,
                )
            )  # fmt: skip
            return
        worst = one.worst()
        if worst is None or not isinstance(worst.verdict, Violation):
            return
        timed = one.result()
        held = worst.trial.held is not None
        counts = (
            found.Counts(one.forced, len(one.holds), timed.controls)
            if held
            else found.Counts(timed.violating, timed.rounds, timed.controls)
        )
        proof = Proof.FORCED if held and one.forced == len(one.holds) >= 20 else Proof.OBSERVED
        if held:
            parked = one.stage.racers[worst.trial.held or 0].request
            words = (
                f"{parked} was held between its guards and its handler (the last byte of its body came late)"
                f" while the others ran to their end: what its guards had found out was no longer true."
                f" No window has to be hit. {words}"
            ).strip()
        rule = "guard-then-handler" if held else "invariant-violation"
        if worst.broken is None and not held:
            rule = "non-serializable-outcome"
        self._found(
            found.finding(
                scenario, one.stage.racers, worst.trial, worst.verdict, counts, rule=rule, proof=proof,
                message=words, again=again,
                alone=max(one.control.alone, default=None), review=self.review,
            )
        )  # fmt: skip

    def _found(self, finding: Finding) -> None:
        self.findings.setdefault(finding.fingerprint, finding)

    # ------------------------------------------------------------- mutations

    def _variants(self, scenario: Scenario) -> tuple[Variant, ...]:
        """Variants of the last racer; where there is one racer only, of one of its copies."""
        return variants(scenario.racers[-1].request, self.plan.seed)[: self.plan.mutate]

    def _mutated(self, scenario: Scenario, variant: Variant, share: int, tried: dict[str, list[int]]) -> None:
        *others, last = scenario.racers
        kept = (structs.replace(last, count=last.count - 1),) if last.count > 1 else ()
        racers = (*others, *kept, Racer(variant.request, last.handler, 1, last.group))
        if len(racers) < 2:
            racers = (last, *racers)
        mutated = structs.replace(scenario, name=f"{scenario.name}, {variant.words}", racers=racers)
        one = self._one(mutated, share, _MUTATION_ROUNDS)
        self._go(one)
        counts = tried.setdefault(variant.family, [0, 0])
        counts[0] += 1
        if one.worst() is not None:
            counts[1] += 1
            if not self.findings:
                self._conclude(one, mutated, f"Seen only with a mutated racer ({variant.words}).")

    # ------------------------------------------------------------- what it amounts to

    def _account(self, attack: Attack, one: OneAttack) -> None:
        """Say what a scenario without a finding says nothing about."""
        if one.failure and not attack.rounds:
            self._skip(NotTested(attack.scenario, one.failure))
            return
        if attack.verdict in {"violation", "logic"}:
            return
        for null in attack.nulls:
            if null.name in _NOTES and attack.verdict == "none-seen":
                continue  # told beside the scenario
            self._skip(NotTested(attack.scenario, null.words, null.mend))
        if attack.verdict == "unknown" and not attack.nulls:
            why = next(
                (j.verdict.reason for j in one.judged if isinstance(j.verdict, Unknown)), attack.stopped
            )
            self._skip(NotTested(attack.scenario, why or "no round was run"))
        for finding in self._out_of_reach(one):
            hit = f"{attack.violating} of {attack.rounds} rounds"
            overlapped = f"{attack.overlap:.0%} of the pairs overlapped"
            cores = f"{attack.free_cores:.1f} of {attack.cores} cores free" if attack.free_cores else ""
            trials = ", ".join(part for part in (hit, overlapped, cores) if part)
            self._skip(
                NotTested(
                    f"{finding.code} {finding.title}",
                    f"not reachable by timing here ({trials}): its window has no await, so two requests are"
                    " seldom in it at once. That is no pass.",
                    f"deadheat hunt {self.plan.source}" if self.plan.source else "deadheat hunt PATH",
                )
            )

    def _out_of_reach(self, one: OneAttack) -> list[Finding]:
        """Suspicions about the raced handlers that timing has not shown."""
        handlers = {h.id for h in found.handlers_of(one.stage.racers, self.review) if h is not None}
        return [
            finding
            for finding in self.suspected
            if handlers & set(finding.handlers) and finding.window is not None and finding.window.awaits == 0
        ]

    def _skip(self, missing: NotTested) -> None:
        # These words quote requests as they were typed, and are shown as they are.
        words = self._masker.text
        missing = NotTested(words(missing.what), words(missing.why), missing.mend)
        if missing not in self.not_tested:
            self.not_tested.append(missing)
            self.listen(Skipped(missing))

    def result(self) -> Run:
        """What is known by now."""
        coverage = Coverage(
            seconds=time.monotonic() - self._began,
            attacks=tuple(self.attacks),
            handlers=len(self.review.handlers) if self.review else 0,
        )
        return Run(
            tool=Tool(version=__version__),
            target=str(self.courier.origin),
            seed=self.plan.seed,
            findings=tuple(self.findings.values()),
            review=self.review or Review(),
            coverage=coverage,
            not_tested=tuple(self.not_tested),
            sources=self.sources,
            interrupted=self.interrupted,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What reports must mask beside what looks like a secret."""
        return tuple(dict.fromkeys((*self.config.secrets, *self.sessions.secrets)))
