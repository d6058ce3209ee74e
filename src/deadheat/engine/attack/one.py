"""One scenario attacked: sequential control, two-step holds, aimed releases, and what they amount to.

Owns the order of these and when to stop. `result` is truthful at any moment, so that an
interruption, a spent budget or a server that went away loses nothing. What happens is told as
typed events; nothing is decided about how it looks.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches, ndiff
from statistics import median

from deadheat.engine.attack.aim import Aim
from deadheat.engine.attack.allowance import Spent
from deadheat.engine.attack.control import REPEATS, Control, count_orders
from deadheat.engine.attack.hold import holdable
from deadheat.engine.attack.nulls import Measured, conclusive, overlap, reasons
from deadheat.engine.attack.stage import Stage, Trial
from deadheat.engine.attack.verdict import Judge, Judged
from deadheat.engine.events import Attacking, Event
from deadheat.io import processor
from deadheat.model import Attack, DeadheatError, Gate, Group, Null, Round, TargetError, Unknown, Violation
from deadheat.oracle import wilson
from deadheat.oracle.invariants import Invariant
from deadheat.oracle.recipes import RECIPES
from deadheat.oracle.sequential_test import SequentialTest, ruled_out
from deadheat.wire import Choice

REPLAYS = 20
"""Holds that must violate, all of them, before a race is called forced."""

_LEAST_ROUNDS = 20
_MOST_FAILURES = 3
_MOST_GROUPS = 8
_MOST_KEPT = 400  # rounds whose timing is looked at


@dataclass
class OneAttack:
    """An attack on one scenario; `requests` and `rounds` bound it."""

    stage: Stage
    requests: int
    rounds: int
    seed: int = 0
    test: SequentialTest = field(default_factory=SequentialTest)
    judged: list[Judged] = field(default_factory=list)
    holds: list[Judged] = field(default_factory=list)
    logic: tuple[Trial, str] | None = None
    failure: str = ""
    finished: bool = False
    _choice: Choice | None = None
    _stopped: str = ""
    _violating: int = 0
    _confirmed: int = 0

    def __post_init__(self) -> None:
        """Compile what judges."""
        scenario = self.stage.scenario
        recipe = RECIPES.get(scenario.setting.recipe or "")
        sources = (*scenario.invariants, *(recipe.invariants if recipe else ()))
        self.invariants = tuple(Invariant(source) for source in dict.fromkeys(sources))
        self.control = Control(self.stage)
        self.judge = Judge(self.control, self.invariants, self.stage.racers, scenario.setting.limit)
        self._aim: Aim | None = None
        self._first = self.stage.courier.allowance.sent
        self._began = time.monotonic()
        self._processor = processor.read()
        self._rounds: list[Round] = []

    def events(self) -> Iterator[Event]:
        """Attack, and tell of it. Ends by itself; what was found is in `judged` and `holds`."""
        try:
            yield self._now("sequential control")
            yield from self._control()
            if self.logic is None:
                yield from self._holds()
                yield from self._races()
                yield from self._recheck("the last look")
        except Spent as spent:
            self._stopped = str(spent)
        except TargetError as error:
            self.failure = self._stopped = str(error)
        self.finished = True

    # ------------------------------------------------------------- the steps

    def _control(self) -> Iterator[Event]:
        if not self.stage.comparable:
            return  # a sequential run would use up what is to be raced
        cost = self.stage.cost * (count_orders(self.control.classes) if self.control.enumerable else 1)
        repeats = REPEATS
        while repeats > 1 and cost * repeats > self.requests * 0.4:
            repeats -= 1
        for trial in self.control.run(repeats):
            broken = self.judge.sequential(trial)
            if broken is not None:
                self.logic = (trial, broken)
                return
            yield self._now("sequential control")

    def _holds(self) -> Iterator[Event]:
        """Force what can be forced: each kind of racer held while the others run to their end."""
        if not self.stage.comparable or len(self.control.classes) < 2:
            return
        held: set[int] = set()
        for actor, own in enumerate(self.control.classes):
            if own in held or isinstance(holdable(self.stage.racers[actor].request), str):
                continue
            held.add(own)
            if self.stage.cost * 2 > self._left:
                return
            first = self.judge.judge(self.stage.hold(actor))
            yield self._now("two-step holds")
            if not (first.trial.forced and isinstance(first.verdict, Violation)):
                continue
            replayed = [first]
            while len(replayed) < REPLAYS and self.stage.cost <= self._left:
                again = self.judge.judge(self.stage.hold(actor))
                if not again.trial.forced:
                    break
                replayed.append(again)
                yield self._now("two-step holds")
            self.holds += replayed
            return

    def _races(self) -> Iterator[Event]:
        requests = tuple(self.stage.sessions.bound(racer.request) for racer in self.stage.racers)
        self._choice = self.stage.courier.choice(requests, Gate.START)
        latencies = self.stage.latencies
        if len(set(self.control.classes)) > 1 and all(latencies):
            self._aim = Aim(latencies, self.control.classes, self.seed)
        failures = 0
        # What was forced needs no more proof; a few rounds tell how likely it is by itself.
        most = min(self.rounds, _LEAST_ROUNDS) if self.forced else self.rounds
        while len(self.judged) < most:
            if self.stage.cost > self._left:
                self._stopped = f"the budget of {self.requests:,} requests is used up"
                return
            arm = self._aim.next() if self._aim else None
            try:
                trial = self.stage.concurrent(self._choice, arm.offsets if arm else ())
            except TargetError:
                failures += 1
                if failures > _MOST_FAILURES:
                    raise
                self.stage.courier.again()
                continue
            judged = self.judge.judge(trial)
            self._keep(judged)
            violated = isinstance(judged.verdict, Violation)
            if self._aim is not None and arm is not None:
                self._aim.tell(arm, violated)
            if violated and self._violating == 1:
                yield from self._recheck("a second look at what differs")
            yield self._now("releasing together")
            decided = self.test.decide(self._violating, len(self.judged))
            if decided is not None and len(self.judged) >= _LEAST_ROUNDS:
                self._stopped = (
                    "a sequential test is certain that it violates"
                    if decided
                    else f"a sequential test rules out that {self.test.common:.0%} of the rounds violate"
                )
                return
        self._stopped = "forced already" if self.forced else f"{self.rounds} rounds were asked for"

    def _keep(self, judged: Judged) -> None:
        self.judged.append(judged)
        self._violating += isinstance(judged.verdict, Violation)
        if judged.trial.round is not None and len(self._rounds) < _MOST_KEPT:
            self._rounds.append(judged.trial.round)

    def _recheck(self, phase: str) -> Iterator[Event]:
        """Before believing a violation, see whether time alone makes sequential runs differ.

        A clock with seconds in an answer is equal in three quick runs and different a little later.
        What is learned now is applied to everything that was judged before.
        """
        suspicious = self._violating > self._confirmed or any(
            isinstance(each.verdict, Violation) for each in self.holds
        )
        cost = self.stage.cost * count_orders(self.control.classes)
        if not (self.control.enumerable and suspicious) or cost > max(self._left, 0):
            return
        for trial in self.control.run(1):
            if self.judge.sequential(trial) is not None:
                return
            yield self._now(phase)
        self.judged = [self.judge.judge(each.trial) for each in self.judged]
        self.holds = [self.judge.judge(each.trial) for each in self.holds]
        self._violating = sum(isinstance(each.verdict, Violation) for each in self.judged)
        self._confirmed = self._violating

    # ------------------------------------------------------------- what came of it

    @property
    def forced(self) -> int:
        """How many holds violated."""
        return sum(isinstance(each.verdict, Violation) for each in self.holds)

    def worst(self) -> Judged | None:
        """The violating trial to tell of: forced before sampled."""
        for each in (*self.holds, *self.judged):
            if isinstance(each.verdict, Violation):
                return each
        return None

    def result(self) -> Attack:
        """What is known by now."""
        rounds, violating = len(self.judged), self._violating
        refused = sum(each.refused for each in self.judged)
        busy = processor.free(self._processor, processor.read())
        local = self.stage.courier.origin.host in {"127.0.0.1", "localhost", "::1"}
        measured = Measured(
            tuple(self._rounds), self.stage.latencies, self.control.statuses, processor.cores(),
            busy if local else None,
        )  # fmt: skip
        nulls = reasons(measured) if not violating and not self.forced else ()
        if self.failure:
            nulls = (Null("unreachable", self.failure, "start the server, or mend the URL"), *nulls)
        if rounds and not self.judge.oracles and not violating:
            mend = "give it a way to start over (reset, {round}), an invariant, or a recipe with a limit"
            nulls = (Null("no-oracle", "nothing says what would be wrong", mend), *nulls)
        best = self._aim.best.offsets if self._aim is not None else ()
        return Attack(
            scenario=self.stage.scenario.name,
            target=str(self.stage.courier.origin),
            racers=tuple(
                f"{racer.count} × {racer.request}" if racer.count > 1 else str(racer.request)
                for racer in self.stage.scenario.racers
            ),
            rounds=rounds,
            violating=violating,
            interval=wilson(violating, rounds) if rounds else None,
            holds=len(self.holds),
            forced=self.forced,
            requests=self.stage.courier.allowance.sent - self._first,
            seconds=time.monotonic() - self._began,
            plan=str(self._choice) if self._choice else "",
            because=self._choice.because if self._choice else "",
            spread=median(at_once)
            if (at_once := [r.spread for r in self._rounds if not any(r.offsets)])
            else 0.0,
            overlap=overlap(self._rounds),
            in_flight=max((r.in_flight for r in self._rounds), default=0),
            offsets=best,
            controls=len(self.control.trials),
            orders=count_orders(self.control.classes) if self.control.enumerable else 0,
            oracles=self.judge.oracles,
            masked=self.control.canon.masked,
            indeterminate=sum(len(r.indeterminate) for r in self._rounds),
            refused=refused,
            nulls=nulls,
            groups=self._groups(),
            cores=processor.cores(),
            free_cores=measured.free_cores,
            ruled_out=ruled_out(self._decided) if self._decided and not violating else None,
            stopped=self._stopped,
            verdict=self._verdict(nulls),
        )

    def _verdict(self, nulls: tuple[Null, ...]) -> str:
        if self.logic is not None:
            return "logic"
        if self._violating or self.forced:
            return "violation"
        clear = self._decided
        sure = (
            0 < len(self.judged) <= 2 * clear
            and self.judge.oracles
            and conclusive(nulls)
            and not self.failure
        )
        return "none-seen" if sure and self.finished else "unknown"

    def _groups(self) -> tuple[Group, ...]:
        """The answers of all rounds, volatile parts masked; those no sequential run gave as a diff."""
        counts: Counter[str] = Counter()
        for each in self.judged:
            counts.update(self.control.canon.outcome(self.control.outcome(each.trial)).responses)
        legal = [text for serial in self.control.serial for text in serial.outcome.responses]
        found = []
        for text, count in counts.most_common(_MOST_GROUPS):
            odd = bool(legal) and text not in legal
            near = get_close_matches(text, legal, 1, 0.0) if odd else []
            diff = tuple(ndiff(near[0].splitlines(), text.splitlines())) if near else ()
            found.append(Group(text, count, odd, diff))
        return tuple(found)

    @property
    def _decided(self) -> int:
        """Rounds about which something can be said: an unknown is never ok."""
        return sum(not isinstance(each.verdict, Unknown) for each in self.judged)

    @property
    def _left(self) -> int:
        spent = self.stage.courier.allowance.sent - self._first
        return min(self.requests - spent, self.stage.courier.allowance.left)

    def _now(self, phase: str) -> Attacking:
        spent = self.stage.courier.allowance.sent - self._first
        return Attacking(
            self.stage.scenario.name, phase, len(self.judged), self._violating, spent, self.requests
        )


def refusal(error: DeadheatError) -> Null:
    """A set-up that was refused, as the reason of a null result."""
    return Null("setup-refused", str(error), "mend the set-up, the login or the reset")
