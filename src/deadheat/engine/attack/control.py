"""The sequential control: what the application does when nobody overlaps.

Owns which orders are run, how often, and what is learned from them: the set of legal outcomes
(serializability by enumeration, Line-Up, PLDI 2010), what is unstable between identical runs, and
how many succeed. Equal racers are one class: orders that only exchange them are one order, and
their answers are compared as a multiset. A violation seen here is no race and is reported as the
logic bug it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import factorial, prod

from msgspec import structs

from deadheat.engine.attack.stage import Stage, Trial
from deadheat.model import Request, Response, SerialOutcome
from deadheat.oracle import Canon, Observation

MOST_ORDERS = 24
"""Orders of four different racers; beyond that only invariants judge."""

REPEATS = 3
"""Identical runs of each order: two to see what differs, one more for what differs seldom."""


def classes_of(requests: Sequence[Request]) -> tuple[int, ...]:
    """Number the racers so that equal requests have equal numbers."""
    numbers: dict[Request, int] = {}
    return tuple(numbers.setdefault(request, len(numbers)) for request in requests)


def count_orders(classes: Sequence[int]) -> int:
    """How many orders there are up to exchanging equal racers."""
    sizes = [classes.count(each) for each in set(classes)]
    return factorial(len(classes)) // prod(factorial(size) for size in sizes)


def orders(classes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every order up to exchanging equal racers, the racers as they were given first."""
    waiting: dict[int, list[int]] = {}
    for actor, own in enumerate(classes):
        waiting.setdefault(own, []).append(actor)

    def rest(taken: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(taken) == len(classes):
            yield taken
            return
        for members in waiting.values():
            free = [actor for actor in members if actor not in taken]
            if free:
                yield from rest((*taken, free[0]))

    yield from rest(())


def arranged(observation: Observation, classes: Sequence[int]) -> Observation:
    """The observation with the answers of equal racers sorted: who of them got which says nothing."""
    answers = list(observation.responses)
    for each in set(classes):
        places = [actor for actor, own in enumerate(classes) if own == each]
        for place, answer in zip(places, sorted((answers[p] for p in places), key=_rank), strict=True):
            answers[place] = answer
    return Observation(tuple(answers), observation.state)


def _rank(answer: Response | None) -> tuple[int, int, str]:
    if answer is None:
        return (9999, 0, "")
    return (answer.status, len(answer.body), answer.text)


@dataclass
class Control:
    """Runs the sequential orders and keeps what they gave."""

    stage: Stage
    classes: tuple[int, ...] = ()
    canon: Canon = field(default_factory=Canon)
    trials: list[Trial] = field(default_factory=list)
    _runs: dict[tuple[int, ...], list[Observation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look at which racers are equal."""
        self.classes = classes_of([racer.request for racer in self.stage.racers])

    @property
    def enumerable(self) -> bool:
        """Whether all orders can be run: the scenario starts over, and there are few enough."""
        return self.stage.comparable and count_orders(self.classes) <= MOST_ORDERS

    def run(self, repeats: int = REPEATS) -> Iterator[Trial]:
        """Run every order `repeats` times, or only the given one where there are too many."""
        plan = list(orders(self.classes)) if self.enumerable else [tuple(range(len(self.classes)))]
        # Round by round and not order by order: the same order again later shows clocks.
        for _ in range(repeats):
            for order in plan:
                trial = self.stage.sequential(order)
                self.trials.append(trial)
                self._runs.setdefault(order, []).append(arranged(trial.observation, self.classes))
                yield trial
        self.learn()

    def learn(self) -> None:
        """Learn what differs between identical runs."""
        for runs in self._runs.values():
            self.canon.learn(runs)

    @property
    def serial(self) -> tuple[SerialOutcome, ...]:
        """The outcome of every order; an order whose runs still differ gives each of its outcomes."""
        found = {
            SerialOutcome(order, self.canon.outcome(run))
            for order, runs in self._runs.items()
            for run in runs
        }
        return tuple(sorted(found))

    @property
    def alone(self) -> tuple[int, ...]:
        """How many succeeded in each sequential run."""
        return tuple(
            sum(answer is not None and answer.status < 400 for answer in trial.observation.responses)
            for trial in self.trials
        )

    @property
    def statuses(self) -> frozenset[int]:
        """Every status that a sequential run was answered with."""
        return frozenset(
            answer.status for t in self.trials for answer in t.observation.responses if answer is not None
        )

    def outcome(self, trial: Trial) -> Observation:
        """What a trial showed, ready for the canon."""
        return structs.replace(arranged(trial.observation, self.classes))
