"""Source-DPOR with sleep sets: one execution (nearly) per Mazurkiewicz trace.

Theory. Two adjacent independent steps commute, so schedules that differ only in such swaps are
one equivalence class (a Mazurkiewicz trace). After each execution, every *reversible race*
(a pair of dependent steps of different actors with nothing between them in happens-before) asks
that the state before the first step also be left by an actor that starts the reversal: a member
of the *source set*. Abdulla, Aronis, Jonsson, Sagonas, *Optimal dynamic partial order
reduction*, POPL 2014, algorithm 1. Sleep sets (Godefroid, *Partial-Order Methods for the
Verification of Concurrent Systems*, LNCS 1032, 1996, chapter 5) cut what was covered from a
sibling.

Locks. An acquisition of a held lock is not enabled. The step that releases the lock happens
before it, whatever that step accesses: seen in the enabled sets, not in the operations. Where
the initial that a race asks for is not enabled, every enabled actor is added, as in Flanagan
and Godefroid (POPL 2005, figure 3). Acquisitions still waiting where an execution ends (stuck,
or cut by a sleep set) take part in race detection as if they had been executed: otherwise the
wait would hide the order that avoids it.

Twins. Identical actors begin in the order of their numbers (`symmetry`): whoever may not begin yet
counts as not enabled, and an execution is taken up to where the runtime let it begin all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deadheat.schedule.policy import turns
from deadheat.schedule.symmetry import lawful, may_begin
from deadheat.schedule.trace import (
    Diverged,
    End,
    Op,
    Problem,
    Proposal,
    Trace,
    TraceStep,
    pending_operations,
)

_NOBODY = -1


@dataclass
class _Node:
    """A state on the current path.

    `asleep` maps the sleeping actors to what they are about to do; `pending` does so for all
    actors; `done` are those whose subtree is finished; `wanted` is the source set so far; `chosen`
    is nobody where the last execution ended to no purpose.
    """

    enabled: frozenset[int]
    pending: dict[int, Op]
    asleep: dict[int, Op]
    chosen: int
    wanted: set[int]
    done: set[int] = field(default_factory=set)

    def asleep_after(self, actor: int, besides: int = _NOBODY) -> dict[int, Op]:
        """Give who sleeps once `actor` has taken its step from here; `besides` counts as done, too."""
        step = self.pending[actor]
        done = self.done | {besides} - {_NOBODY}
        resting = self.asleep | {other: self.pending[other] for other in done if other != actor}
        return {other: op for other, op in resting.items() if other != actor and not op.conflicts(step)}


@dataclass
class SourceDpor:
    """Explores at least one schedule of every equivalence class, up to twins, and few more."""

    problem: Problem = field(default_factory=Problem)
    _path: list[_Node] = field(default_factory=list)
    _started: bool = False
    _asked: int = 0

    @property
    def words(self) -> str:
        """What reports call it."""
        return "source-DPOR with sleep sets"

    def propose(self) -> Proposal | None:
        """Give the deepest state that a race wants left by another actor."""
        if not self._started:
            self._started = True
            # Any execution may be the first. Where everybody has begun before anybody goes on, most
            # races show at once; one request after the other is what the baseline ran already.
            return Proposal(policy=turns(self.problem.actors))
        while self._path:
            node = self._path[-1]
            node.done |= {node.chosen} - {_NOBODY}
            candidates = node.wanted - node.done - set(node.asleep)
            if candidates:
                node.chosen = min(candidates)
                self._asked = len(self._path)
                return Proposal(
                    tuple(node.chosen for node in self._path),
                    frozenset(node.asleep_after(node.chosen)),
                )
            self._path.pop()
        return None

    def ahead(self, count: int) -> Sequence[Proposal]:
        """Guess that the execution under way shows no race that is new."""
        for depth in range(len(self._path) - 1, -1, -1) if count else ():
            node = self._path[depth]
            candidates = node.wanted - node.done - set(node.asleep) - {node.chosen}
            if candidates:
                chosen = min(candidates)
                before = (earlier.chosen for earlier in self._path[:depth])
                return [Proposal((*before, chosen), frozenset(node.asleep_after(chosen, node.chosen)))]
        return ()

    def observe(self, trace: Trace) -> bool:
        """Extend the path by the new states and register what its races ask for."""
        if trace.end is End.DIVERGED or len(trace.steps) < self._asked:
            raise Diverged("the application could not follow an order it had offered before")
        steps = lawful(trace, self.problem.twins)
        for node, step in zip(self._path, steps, strict=False):
            if node.chosen != step.actor or node.enabled != step.enabled:
                raise Diverged(f"actor {step.actor} was not where it had been in the same order")
        explored, pending = self._extend(trace, steps)
        self._register_races(explored, pending)
        return trace.end is not End.REDUNDANT and len(explored) == len(trace.steps)

    def _extend(
        self, trace: Trace, steps: Sequence[TraceStep]
    ) -> tuple[Sequence[TraceStep], Sequence[tuple[int, Op]]]:
        """Append states; give the steps up to where the execution entered what a sibling covered.

        With them, the acquisitions that were waiting for a lock at that point.
        """
        states = list(pending_operations(trace))
        for depth, (step, pending) in enumerate(zip(steps, states, strict=False)):
            if depth < len(self._path):
                # The pending operation of an actor that had not been seen at this depth yet
                # (it was stuck then) is learned now.
                self._path[depth].pending |= pending
                continue
            parent = self._path[-1] if self._path else None
            asleep = parent.asleep_after(parent.chosen) if parent else {}
            if step.actor in asleep:
                # Whoever executes may know less of who sleeps, and have woken this one too early.
                if awake := step.enabled - set(asleep):
                    self._path.append(_Node(step.enabled, pending, asleep, _NOBODY, wanted={min(awake)}))
                waiting = [(a, op) for a, op in pending.items() if a not in step.enabled]
                return steps[:depth], waiting
            self._path.append(_Node(step.enabled, pending, asleep, step.actor, wanted={step.actor}))
        if len(steps) < len(trace.steps):
            return steps, self._stop_at(trace.steps[len(steps)].enabled, states[len(steps)])
        return steps, trace.pending

    def _stop_at(self, free: frozenset[int], pending: dict[int, Op]) -> Sequence[tuple[int, Op]]:
        """Append the state in which the runtime let a twin begin too early; give who waited there."""
        begun = frozenset(node.chosen for node in self._path)
        parent = self._path[-1] if self._path else None
        asleep = parent.asleep_after(parent.chosen) if parent else {}
        enabled = frozenset(actor for actor in free if may_begin(actor, begun, self.problem.twins))
        if awake := enabled - set(asleep):
            self._path.append(_Node(enabled, pending, asleep, _NOBODY, wanted={min(awake)}))
        return [(actor, op) for actor, op in pending.items() if actor not in free]

    def _register_races(self, steps: Sequence[TraceStep], pending: Sequence[tuple[int, Op]]) -> None:
        past = _HappensBefore([node.enabled for node in self._path])
        for index, step in enumerate(steps):
            racing = past.races(step.actor, step.op)
            if index >= self._asked - 1:
                self._ask_reversals(racing, step.actor, past)
            past.append()
        for actor, op in pending:
            self._ask_reversals(past.races(actor, op), actor, past)

    def _ask_reversals(self, racing: Sequence[int], actor: int, past: "_HappensBefore") -> None:
        """Make sure that the state before each racing step is left by some initial of its reversal.

        The reversal is what came after the racing step without depending on it, then the next
        step of `actor`; its initials are the actors that can take their part of it first.
        """
        for earlier in racing:
            node = self._path[earlier]
            initials = past.initials_without(earlier, actor)
            if initials & node.wanted:
                continue
            ready = initials & node.enabled
            node.wanted |= {min(ready)} if ready else node.enabled


class _HappensBefore:
    """Happens-before of one execution, and of one more step that is being considered."""

    def __init__(self, enabled: Sequence[frozenset[int]]) -> None:
        self._enabled = enabled
        self._actors: list[int] = []
        self._ops: list[Op] = []
        self._past: list[frozenset[int]] = []
        self._next: tuple[int, Op, frozenset[int]] = (0, Op(0), frozenset())

    def races(self, actor: int, op: Op) -> list[int]:
        """Consider `op` as the next step of `actor`; give the steps it reversibly races with.

        Latest first: a step that happens before a later dependent one is no immediate race.
        Nor is a step inside a critical section, or the one that leaves it, a reversible race
        with the acquisition that waits for it: the race is with the acquisition before. (A:
        lock, read. B: lock. After A's lock only A can go; B must be tried before it.)
        `until_free` is what has to come before the lock is released.
        """
        since = max((i for i, other in enumerate(self._actors) if other == actor), default=-1)
        past = {since} | self._past[since] if since >= 0 else set()
        covered = set(past)
        until_free: set[int] = set()
        for index in range(since + 1, len(self._ops)):
            if self._can_go(index, actor):
                until_free = until_free if self._can_go(index + 1, actor) else set()
            elif self._can_go(index + 1, actor):
                until_free = {index} | self._past[index]
                past |= until_free
        racing: list[int] = []
        for index in range(len(self._ops) - 1, -1, -1):
            if index in covered or not self._ops[index].conflicts(op):
                continue
            past |= {index} | self._past[index]
            waiting = since < index and not self._can_go(index, actor)
            if waiting and (index in until_free or not until_free):
                continue
            racing.append(index)
            covered |= {index} | self._past[index]
        self._next = (actor, op, frozenset(past))
        return racing

    def _can_go(self, index: int, actor: int) -> bool:
        """Whether `actor` was enabled before step `index`; at the end those who wait are not."""
        return index < len(self._enabled) and actor in self._enabled[index]

    def append(self) -> None:
        """Execute the step considered last."""
        actor, op, past = self._next
        self._actors.append(actor)
        self._ops.append(op)
        self._past.append(past)

    def initials_without(self, earlier: int, actor: int) -> set[int]:
        """Give the initials of what follows `earlier` independently of it, then the next step."""
        later = [index for index in range(earlier + 1, len(self._ops)) if earlier not in self._past[index]]
        initials = {
            self._actors[index]
            for position, index in enumerate(later)
            if not any(previous in self._past[index] for previous in later[:position])
        }
        _, _, past = self._next
        return initials if any(index in past for index in later) else initials | {actor}
