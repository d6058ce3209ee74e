"""Who may go on: one execution of a schedule as a state machine.

Pure: events in (`arrive`, `hold`, `answer`, `tick` …), effects out (`take_effects`). It must not
know tasks, sockets or clocks, nor what a place is made of.

Theory: stateless model checking (Godefroid, VeriSoft, POPL 1997). One actor runs at a time, from
the point where it is held to its next one or its end; that is a *step*. When nobody runs, the
next step is chosen: by the prefix, then by a policy if there is one, else whoever went last (fewest
switches), else the lowest enabled actor; never one *asleep* (Godefroid, LNCS 1032, 1996, chapter 5),
whose next step was explored from a sibling, until a dependent step wakes it. An actor held at a lock
is enabled when the lock is free. One that waits for something no probe sees never comes back: when
nothing moves for a while it is *blocked*, and the others go on.
"""

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

from deadheat_embedded.policy import Chooser
from deadheat_embedded.protocol import MAX_ACTORS, Order

BLOCKED_AFTER = 3
"""Still ticks until an actor that does not come back counts as blocked, or all held as stuck."""

HUNG_AFTER = 50
"""Still ticks with nobody enabled until the run is given up."""

AT_REST_AFTER = 5
"""Still ticks after a release until the application counts as at rest."""

MAX_STEPS = 2_000
"""Steps until a run is given up: a retry loop whose condition this order never makes true."""


class Held(Protocol):
    """An actor held at a point, as far as the choice is concerned."""

    @property
    def point(self) -> int:
        """The number of the point."""

    @property
    def place(self) -> int:
        """The number of the place, 0 when unknown."""

    def free(self) -> bool:
        """Whether the step would go on at once."""

    def value(self) -> str:
        """The value of the place now; empty when it cannot be seen."""


H = TypeVar("H", bound=Held)


class End(StrEnum):
    """How an execution ended; the words of the protocol."""

    DONE = "done"
    STUCK = "stuck"
    HUNG = "hung"
    REDUNDANT = "redundant"
    DIVERGED = "diverged"


class Step(Struct):
    """A step: who, where, who could have gone instead, the value before and once it settled."""

    actor: int
    point: int
    place: int
    enabled: tuple[int, ...]
    before: str
    after: str = ""


class Go(Struct, Generic[H], frozen=True):
    """Effect: let this one go on."""

    held: H


class Ended(Struct, frozen=True):
    """Effect: tell the controller how the run went; `pending` are (actor, point, place)."""

    run: int
    end: End
    steps: tuple[Step, ...]
    pending: tuple[tuple[int, int, int], ...]


class Released(Struct, frozen=True):
    """Effect: after a release, whether all actors `finished`, or else everything is at rest."""

    finished: bool


class Phase(Enum):
    """Where an actor stands."""

    ABSENT = "its request has not arrived"
    RUNNING = "between two points"
    BLOCKED = "waiting for something unseen"
    HELD = "at a point"
    FINISHED = "answered"


class _Actor(Struct, Generic[H]):
    """`taken` is the step under way: its record and the hold it left."""

    phase: Phase = Phase.ABSENT
    held: H | None = None
    taken: tuple[Step, H] | None = None

    def settle(self, phase: Phase, held: H | None = None) -> None:
        """It came to rest: the step under way is complete."""
        self.phase, self.held = phase, held
        if self.taken is not None:
            step, left = self.taken
            step.after = left.value()
            self.taken = None


class _Run(Struct, Generic[H]):
    """One execution, and what its choices led to so far."""

    number: int
    actors: list[_Actor[H]]
    order: Order | None = None
    steps: list[Step] = field(default_factory=list)
    asleep: frozenset[int] = frozenset()
    diverged: bool = False
    redundant: bool = False
    impatient: bool = False
    over: bool = False
    chooser: Chooser | None = None

    def choose(self, order: Order, enabled: list[int], interesting: Collection[int]) -> int | None:
        """Who takes the next step; None to wait."""
        if len(self.steps) < len(order.prefix) and not self.diverged:
            asked = order.prefix[len(self.steps)]
            if asked in enabled:
                return asked
            if not enabled or (self.is_any(Phase.BLOCKED) and not self.impatient):
                return None  # whoever is blocked may still come back and enable it
            self.diverged = True
        awake = [actor for actor in enabled if actor not in self.asleep]
        if not enabled or self.diverged or self.redundant or not awake:
            self.redundant |= bool(enabled) and not self.diverged
            return min(enabled, default=None)
        if self.chooser is not None:
            alive = [n for n, actor in enumerate(self.actors) if actor.phase is not Phase.FINISHED]
            return self.chooser.choose(awake, interesting, alive)
        last = self.steps[-1].actor if self.steps else None
        return last if last in awake else min(awake)

    def is_any(self, *phases: Phase) -> bool:
        """Whether an actor is in one of the phases."""
        return any(actor.phase in phases for actor in self.actors)

    @property
    def finished(self) -> bool:
        """Whether every actor answered."""
        return all(actor.phase is Phase.FINISHED for actor in self.actors)


class Scheduler(Generic[H]):
    """See the module. Numbers of runs increase; racers may arrive before their run is announced."""

    def __init__(self) -> None:
        self.points: dict[int, tuple[int, bool]] = {}
        self._runs: dict[int, _Run[H]] = {}
        self._current = 0
        self._releasing = False
        self._moved = False
        self._still = 0
        self._effects: list[Go[H] | Ended | Released] = []

    def take_effects(self) -> list[Go[H] | Ended | Released]:
        """What has to be done since the last call, in order."""
        effects, self._effects = self._effects, []
        return effects

    @property
    def interval(self) -> float | None:
        """Seconds until the next `tick` is due, None while there is nothing to watch."""
        if self._releasing:
            return 0.01
        run = self._runs.get(self._current)
        return 0.02 if run is not None and not run.over else None

    def announce(self, order: Order) -> None:
        """A run is to be executed; what is left of older ones is let go."""
        run = self._runs.pop(order.run, None) or self._new(order.run)
        for old in self._runs.values():
            self._let_go(old.actors)
        self._let_go(run.actors[order.actors :])
        run.order, run.asleep = order, order.asleep & frozenset(range(order.actors))
        run.actors = run.actors[: order.actors]
        run.chooser = Chooser(order.policy, order.actors) if order.policy is not None else None
        self._runs, self._current, self._releasing, self._moved = {order.run: run}, order.run, False, True
        self._decide()

    def arrive(self, run: int, number: int) -> None:
        """A racer's request reached the application."""
        if (actor := self._actor(run, number)) and actor.phase is Phase.ABSENT:
            actor.phase, self._moved = Phase.RUNNING, True

    def hold(self, run: int, number: int, held: H) -> bool:
        """A racer reached a point. False: its run is over, let it pass."""
        actor = self._actor(run, number)
        if actor is None or self._runs[run].over:
            return False
        actor.settle(Phase.HELD, held)
        self._settled(run)
        return True

    def answer(self, run: int, number: int) -> None:
        """A racer's request is answered."""
        if actor := self._actor(run, number):
            actor.settle(Phase.FINISHED)
            self._settled(run)

    def release(self) -> None:
        """Everybody held goes on freely from now on."""
        self._releasing, self._moved = True, True
        run = self._runs.get(self._current)
        if run is not None and not run.over:
            self._end(run, End.HUNG)
        for run in self._runs.values():
            self._let_go(run.actors)
        self._tell_released()

    def tick(self) -> None:
        """Time passed (`interval`): find out who is blocked, and what will never move again."""
        self._still = 0 if self._moved else self._still + 1
        self._moved = False
        if self._releasing:
            if self._still >= AT_REST_AFTER:
                self._releasing = False
                self._effects.append(Released(finished=False))
            return
        self._decide()  # a lock that no actor held may have become free
        run = self._runs.get(self._current)
        if run is None or run.over or self._moved or self._still < BLOCKED_AFTER:
            return
        if run.is_any(Phase.RUNNING):
            for actor in run.actors:
                if actor.phase is Phase.RUNNING:
                    actor.phase = Phase.BLOCKED
            self._moved = True
            self._decide()
        elif not run.is_any(Phase.ABSENT, Phase.BLOCKED):
            self._end(run, End.STUCK)
        elif self._still >= HUNG_AFTER:
            run.impatient = True
            self._decide()
            if not self._moved:
                self._end(run, End.HUNG)

    def _new(self, number: int) -> _Run[H]:
        return _Run(number, [_Actor() for _ in range(MAX_ACTORS)])

    def _actor(self, run: int, number: int) -> _Actor[H] | None:
        """The actor; None for a past run or a number that takes no part. A future run is kept."""
        if run > self._current and run not in self._runs:
            self._runs[run] = self._new(run)
        known = self._runs.get(run)
        return known.actors[number] if known and number < len(known.actors) else None

    def _settled(self, run: int) -> None:
        self._moved = True
        if run == self._current:
            self._decide()
            self._tell_released()

    def _let_go(self, actors: list[_Actor[H]]) -> None:
        for actor in actors:
            if actor.held is not None:
                self._effects.append(Go(actor.held))
                actor.held, actor.phase = None, Phase.RUNNING

    def _tell_released(self) -> None:
        run = self._runs.get(self._current)
        if self._releasing and (run is None or run.finished):
            self._releasing = False
            self._effects.append(Released(finished=True))

    def _decide(self) -> None:
        """If nobody runs, choose who takes the next step."""
        run = self._runs.get(self._current)
        if run is None or run.order is None or run.over or run.is_any(Phase.ABSENT, Phase.RUNNING):
            return
        if run.finished:
            cut = run.diverged or len(run.steps) < len(run.order.prefix)
            self._end(run, End.DIVERGED if cut else End.REDUNDANT if run.redundant else End.DONE)
            return
        if len(run.steps) >= MAX_STEPS:
            self._end(run, End.HUNG)
            return
        enabled = [number for number, actor in enumerate(run.actors) if actor.held and actor.held.free()]
        interesting = [n for n, actor in enumerate(run.actors) if self._interests(run.order, actor.held)]
        chosen = run.choose(run.order, enabled, interesting)
        if chosen is None:
            return
        actor = run.actors[chosen]
        held, actor.held, actor.phase = actor.held, None, Phase.RUNNING
        assert held is not None
        if len(run.steps) >= len(run.order.prefix):
            run.asleep = frozenset(n for n in run.asleep - {chosen} if not self._wakes(held, run.actors[n]))
            if run.chooser is not None and not run.redundant and not run.diverged:
                others = [
                    n for n, other in enumerate(run.actors) if other.held and self.dependent(held, other.held)
                ]
                run.chooser.took(chosen, chosen in interesting, others)
        step = Step(chosen, held.point, held.place, tuple(enabled), held.value())
        run.steps.append(step)
        actor.taken, self._moved = (step, held), True
        self._effects.append(Go(held))

    def _interests(self, order: Order, held: H | None) -> bool:
        """Whether the policy cares about the step ahead."""
        if order.policy is None or held is None:
            return False
        return order.policy.interests(self.points.get(held.point, (0, True))[0])

    def _wakes(self, step: H, sleeper: _Actor[H]) -> bool:
        """Whether the step is dependent with what the sleeper is about to do."""
        return sleeper.held is None or self.dependent(step, sleeper.held)

    def dependent(self, one: H, two: H) -> bool:
        """Whether two steps do not commute: same place, else same resource (0 is any), not both reads."""
        resource, writes = self.points.get(one.point, (0, True))
        other_resource, other_writes = self.points.get(two.point, (0, True))
        if not (writes or other_writes):
            return False
        if one.place and two.place:
            return one.place == two.place
        return resource == other_resource or 0 in {resource, other_resource}

    def _end(self, run: _Run[H], end: End) -> None:
        run.over = True
        for actor in run.actors:
            if actor.taken is not None:
                actor.settle(actor.phase, actor.held)
        pending = tuple(
            (n, a.held.point, a.held.place) for n, a in enumerate(run.actors) if a.held is not None
        )
        self._effects.append(Ended(run.number, end, tuple(run.steps), pending))
