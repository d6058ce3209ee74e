"""Which strategy has the next schedule: a budget divided among searches that run side by side.

Owns the division and the count of what each contributed. It must not know how a strategy works nor what
a violation is.

Exhaustion is worth most: it is the only thing that says "none". So `auto` begins with it. Where a tenth of
the budget does not finish it, a fifth of the budget goes to the samplers in turn (each is good at what
another is bad at, and nobody knows beforehand which), since a depth-first search stays near its first
order for long. What is left goes on exhausting.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from deadheat.schedule.bounded import Bounded
from deadheat.schedule.pct import Pct
from deadheat.schedule.sampler import Chance, Sampler
from deadheat.schedule.trace import Problem, Proposal, Strategy, Trace

AUTO = "auto"
EXHAUSTIVE = "source-dpor"
BOUNDED = "bounded"
_BESIDE = ("pct", "surw", "pos", "walk", BOUNDED)
_DEPTHS = (2, 3)

Make = Callable[[Problem], Strategy]


@dataclass
class Lane:
    """One strategy, and what came of it by now.

    `first` is the number of its first violating schedule, counted from 1; 0 without one. `ended` says
    that it has nothing more to propose; `lost` are the proposals of which no execution was seen whole.
    """

    strategy: Strategy
    schedules: int = 0
    violating: int = 0
    first: int = 0
    ended: bool = False
    lost: int = 0

    def count(self, *, violating: bool) -> None:
        """Note one schedule that counts."""
        self.schedules += 1
        if violating:
            self.violating += 1
            self.first = self.first or self.schedules

    @property
    def complete(self) -> bool:
        """Whether it has covered every order."""
        return self.ended and not self.lost and _covers(self.strategy)

    @property
    def samples(self) -> bool:
        """Whether it leaves the order to chance."""
        return isinstance(self.strategy, Sampler)

    @property
    def chance(self) -> Chance | None:
        """What a sampler promises."""
        return self.strategy.chance if isinstance(self.strategy, Sampler) else None


@dataclass
class Portfolio:
    """The strategies of one exploration: `name` is one of them, or `auto`; `budget` is in schedules.

    `raised` are larger budgets, given one after the other to go on with once the one before is used up.
    """

    strategies: Mapping[str, Make]
    name: str
    problem: Problem
    budget: int
    raised: Sequence[int] = ()
    lanes: list[Lane] = field(default_factory=list)
    _longest: int = 0
    _beside: Sequence[Lane] = ()
    """Whose turns come one after the other now, from the next one on."""

    def turns(self) -> Iterator[tuple[Lane, Proposal]]:
        """Give who is next and what it proposes.

        Before the next turn `observe` is awaited, or `lane.lost` raised: the search then leaves out what
        begins like that.
        """
        yield from self._first()
        for budget in self.raised:
            self.budget = budget
            yield from self._further(budget - sum(lane.schedules for lane in self.lanes))

    def _first(self) -> Iterator[tuple[Lane, Proposal]]:
        if self.problem.bound is not None:
            yield from self._alone(self._lane(self.strategies[BOUNDED]), self.budget)
        elif self.name == AUTO:
            yield from self._auto()
        else:
            lanes = [self._lane(make) for make in self._named(self.name)]
            yield from self._side_by_side(lanes, self.budget)

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Guess the next proposals, at most `count`; between an `observe` and the one before it."""
        found: list[Proposal] = []
        asked = [0] * len(self._beside)
        for turn in range(count if self._beside else 0):
            index = turn % len(self._beside)
            lane = self._beside[index]
            if lane.ended:
                continue
            asked[index] += 1
            guessed = lane.strategy.ahead(asked[index])
            if len(guessed) < asked[index]:
                break
            found.append(guessed[-1])
        return found

    def observe(self, lane: Lane, trace: Trace) -> bool:
        """Let the lane learn from the execution of its proposal; whether it counts.

        Raises:
            Diverged: the trace contradicts an earlier one with the same prefix.
        """
        counts = lane.strategy.observe(trace)
        self._longest = max(self._longest, len(trace.steps))
        self._tell_length()
        return counts

    def _tell_length(self) -> None:
        for lane in self.lanes:
            if isinstance(lane.strategy, Sampler):
                lane.strategy.reach(self._longest)

    @property
    def complete(self) -> bool:
        """Whether every order was covered."""
        return any(lane.complete for lane in self.lanes)

    @property
    def bound(self) -> int | None:
        """The number of preemptions up to which every order was executed, None when not known."""
        bounds = [lane.strategy.completed for lane in self.lanes if isinstance(lane.strategy, Bounded)]
        return next(iter(bounds), None)

    @property
    def further(self) -> bool:
        """Whether some strategy has more to propose, had it a budget."""
        return not self.complete and any(not lane.ended for lane in self.lanes)

    @property
    def unfinished(self) -> str:
        """Why the search ended before it was complete."""
        if self.problem.bound is not None and self.bound == self.problem.bound:
            switches = "preemption" if self.bound == 1 else "preemptions"
            return f"only orders with at most {self.bound} {switches} were asked for"
        if self.lanes and all(lane.samples for lane in self.lanes):
            return "orders were sampled, which never exhausts them"
        return f"the budget of {self.budget} schedules is used up"

    def _further(self, budget: int) -> Iterator[tuple[Lane, Proposal]]:
        """Exhaust with what was added, where anything is left to exhaust; else sample."""
        if self.complete:
            return
        search = self.lanes[0]
        if self.name == AUTO and not search.ended:
            yield from self._alone(search, search.schedules + budget)
        else:
            yield from self._side_by_side(self.lanes, budget)

    def _auto(self) -> Iterator[tuple[Lane, Proposal]]:
        search = self._lane(self.strategies[EXHAUSTIVE])
        yield from self._alone(search, self.budget // 10)
        if search.complete:
            return
        beside = [self._lane(make) for name in _BESIDE for make in self._named(name)]
        yield from self._side_by_side(beside, self.budget // 5)
        if not self.complete:
            yield from self._alone(search, self.budget - sum(lane.schedules for lane in beside))

    def _named(self, name: str) -> Sequence[Make]:
        make = self.strategies.get(name)
        if make is None:
            return ()
        return [partial(Pct, depth=depth) for depth in _DEPTHS] if make is Pct else [make]

    def _lane(self, make: Make) -> Lane:
        lane = Lane(make(self.problem))
        self.lanes.append(lane)
        self._tell_length()
        return lane

    def _side_by_side(self, lanes: Sequence[Lane], budget: int) -> Iterator[tuple[Lane, Proposal]]:
        spent = -sum(lane.schedules for lane in lanes)
        while any(not lane.ended for lane in lanes):
            for index, lane in enumerate(lanes):
                if spent + sum(each.schedules for each in lanes) >= budget or self.complete:
                    return
                yield from self._alone(lane, lane.schedules + 1, (*lanes[index + 1 :], *lanes[: index + 1]))

    def _alone(self, lane: Lane, until: int, beside: Sequence[Lane] = ()) -> Iterator[tuple[Lane, Proposal]]:
        self._beside = beside or (lane,)
        while not lane.ended and lane.schedules < until:
            # Never asked but when the proposal is executed: a search takes it for done.
            proposal = lane.strategy.propose()
            if proposal is None:
                lane.ended = True
            else:
                yield lane, proposal


def _covers(strategy: Strategy) -> bool:
    """Whether a strategy that has nothing more to propose has covered every order."""
    return strategy.exhausted if isinstance(strategy, Bounded) else not isinstance(strategy, Sampler)
