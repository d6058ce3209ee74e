"""One execution with its statements held before the store, step by step.

Owns who goes, who is held, who waits for a lock. It must not know what is searched for. Theory as
for probes: stateless model checking (Godefroid, VeriSoft, POPL 1997), one request at a time, so that
the next statement belongs to the request just granted: attribution without the application's help.

A granted statement may wait for another request: for a lock that its transaction holds, for an
element that it is to push. Its request is then *blocked* until the store no longer says so; its
answer is kept back, and passing it on is a step of its own, or two requests would run at once. What
a store answers to deadlocks and serialization failures reaches the application: they are outcomes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

from deadheat.engine.statements.actor import Actor, Anew, Phase
from deadheat.engine.statements.gate import ANYBODY, UNKNOWN, Gate, L
from deadheat.io.hold import Execution, ProbedStep
from deadheat.io.http import Connection
from deadheat.model import Request, Response, TargetError
from deadheat.schedule import Choice, End, Op, Proposal, Trace, TraceStep

_TICK = 0.003  # seconds without a byte after which the store is asked who waits for whom
_SOON = 0.000_5  # the same where a wait is foreseen
_MOST_STEPS = 2_000


@dataclass
class Run(Generic[L]):
    """One execution of `requests` over `connections`; `patience` in seconds bounds each settling."""

    gate: Gate[L]
    requests: Sequence[Request]
    connections: Sequence[Connection]
    patience: float
    steps: list[TraceStep] = field(default_factory=list)
    probed: list[ProbedStep] = field(default_factory=list)
    first: dict[int, Op | None] = field(default_factory=dict)
    """What each request did first in earlier executions, None if it sends no statement."""
    hindered: bool = False
    """Whether a request could not go on because of another's answer on the same connection."""
    linger: float = 0.0
    """Seconds of silence after an answer before the request counts as done: it left a task behind."""
    _mistaken: bool = False
    _stirred_at: float = 0.0

    def __post_init__(self) -> None:
        """Nobody has begun."""
        self._prefix: tuple[int, ...] = ()
        self._watched: list[Connection] = list(self.connections)
        self._actors = [Actor[L](n, connection) for n, connection in enumerate(self.connections)]

    def execute(self, proposal: Proposal) -> Execution:
        """Follow the proposal to the end of the execution.

        Raises:
            Anew: it is to be begun again, from the first state; `first` has learned from it.
            TargetError: the application does what cannot be attributed or held; the message says what.
        """
        self.gate.shut()
        self._prefix = proposal.prefix
        for actor in self._actors:
            actor.phase = Phase.UNSENT
        for actor in self._actors:
            if not self.gate.lazy or self.first.get(actor.number, UNKNOWN) is None:
                self._begin(actor)
        choice = Choice(proposal, len(self._actors))
        end = End.DONE
        while enabled := self._enabled():
            if self._lost or len(self.steps) >= _MOST_STEPS:
                break
            ahead = {a.number: self._op(a) for a in self._actors if a.phase is not Phase.DONE}
            before = choice.asleep
            chosen = choice.next(enabled, ahead)
            if chosen is None:
                end = End.DIVERGED
                break
            position = len(self.steps)
            if self._actors[chosen].phase is Phase.UNSENT:
                self._begin(self._actors[chosen])
                if position >= len(proposal.prefix) and not choice.redundant:
                    self._begin_better(self._actors[chosen], before, choice.asleep)
                if self._actors[chosen].phase is not Phase.HELD:
                    end = End.DIVERGED if self._actors[chosen].phase is Phase.DONE else end
                    break
            choice.did(self._step(self._actors[chosen], enabled), ahead)
        if choice.redundant:
            end = End.REDUNDANT
            self.hindered = False  # the orders that follow are tried elsewhere
        if end is not End.DIVERGED and any(actor.phase is not Phase.DONE for actor in self._actors):
            end = End.HUNG
        if end is End.REDUNDANT and self._mistaken:
            end = End.DONE  # who sleeps was guessed from another first statement
        pending = tuple((a.number, self._op(a)) for a in self._actors if a.phase is not Phase.DONE)
        return Execution(Trace(tuple(self.steps), end, pending), tuple(self.probed), ())

    @property
    def responses(self) -> tuple[Response | None, ...]:
        """The answers so far, by request."""
        return tuple(actor.response for actor in self._actors)

    @property
    def unanswered(self) -> tuple[Connection, ...]:
        """Where an answer is still awaited."""
        waiting = (a for a in self._actors if a.phase is not Phase.UNSENT and a.response is None)
        return tuple(actor.connection for actor in waiting)

    def _enabled(self) -> frozenset[int]:
        """Who can go on; while nobody can, whoever waits may still be given up by the store itself."""
        free = {Phase.UNSENT, Phase.HELD, Phase.READY}
        deadline = time.monotonic() + self.patience
        while True:
            found = frozenset(actor.number for actor in self._actors if actor.phase in free)
            blocked = self._blocked()
            if found or not blocked or time.monotonic() > deadline:
                return found
            self._pump()
            if queued := [actor for actor in blocked if actor.queued]:
                self._come_up(queued[0])  # all wait for each other, which the store has to see
            for actor in blocked:
                self._settle_blocked(actor)

    def _begin(self, actor: Actor[L]) -> None:
        """Send the request, and await its first statement."""
        actor.connection.send(self.requests[actor.number])
        self._settle(actor)
        if self.gate.lazy:
            op = self._op(actor) if actor.phase is Phase.HELD else None
            self._mistaken = self._mistaken or self.first.setdefault(actor.number, op) != op
            self.first[actor.number] = UNKNOWN if self.first[actor.number] != op else op

    def _begin_better(self, actor: Actor[L], before: frozenset[int], after: frozenset[int]) -> None:
        """Have the execution begun again if this request should have been sent earlier than now.

        `before` and `after` its step are those asleep.
        """
        order = tuple(step.actor for step in self.steps)
        if actor.phase is Phase.DONE:
            raise Anew(order, before)
        if actor.phase is Phase.HELD and actor.lane is not None and actor.lane.hindered:
            raise Anew((*order, actor.number), after)

    @property
    def _lost(self) -> bool:
        return any(actor.phase is Phase.LOST for actor in self._actors)

    def _op(self, actor: Actor[L]) -> Op:
        if actor.phase in {Phase.HELD, Phase.READY} and actor.lane is not None:
            return self.gate.op(actor.lane)
        if actor.phase is Phase.UNSENT:
            return self.first.get(actor.number) or UNKNOWN
        return UNKNOWN

    def _step(self, actor: Actor[L], enabled: frozenset[int]) -> Op:
        """Take a step to its end; give what it did, which is known only then.

        What another request's statement did that had waited for this step is part of it.
        """
        lane = actor.lane
        assert lane is not None
        point = self.gate.point(lane)
        actor.blocked_at = len(self.steps)
        if self._ahead(actor):
            actor.phase, actor.queued = Phase.BLOCKED, True
            return self._did(actor, self.gate.op(lane), enabled, point)
        actor.phase = Phase.RUNNING
        early = self._early(actor)
        if early and lane.holds:
            self._do_silently(lane)
        for other in early:
            self._begin(other)
        self._let_waiters_look(actor)
        self.gate.grant(lane)
        self._settle(actor)
        self._pass_on()
        actor.op = self.gate.outcome(lane)
        freed = [self.gate.outcome(other.lane) for other in self._freed(actor) if other.lane is not None]
        return self._did(actor, actor.op.also(freed) if freed else actor.op, enabled, point)

    def _freed(self, actor: Actor[L]) -> list[Actor[L]]:
        """Settle who waits; give who got any further by what the actor did.

        More than once: a statement that was freed only to fail frees whoever waits for its transaction.
        """
        found: list[Actor[L]] = []
        for _ in self._actors:
            waiting = [other for other in self._blocked() if other is not actor]
            further = [other for other in waiting if self._settle_blocked(other)]
            found += (other for other in further if other not in found)
            if not further:
                break
        return found

    def _let_waiters_look(self, actor: Actor[L]) -> None:
        """Let whoever waits for the actor look for a cycle before its step may close one.

        Else it would be chance who finds it, and is refused.
        """
        waiting = [other.since for other in self._blocked() if actor.number in self._chain(other)]
        if waiting and actor.lane is not None and self.gate.foreseen(actor.lane):
            until = max(waiting) + self.gate.patience
            while (left := until - time.monotonic()) > 0:
                self._pump(left)

    def _did(self, actor: Actor[L], op: Op, enabled: frozenset[int], point: int) -> Op:
        self.steps.append(TraceStep(actor.number, op, enabled, point))
        self.probed.append(ProbedStep(actor.number, point, op.place, None, None))
        return op

    def _blocked(self) -> list[Actor[L]]:
        """Who waits, the longest first."""
        waiting = (actor for actor in self._actors if actor.phase is Phase.BLOCKED)
        return sorted(waiting, key=lambda actor: actor.blocked_at)

    def _ahead(self, actor: Actor[L]) -> bool:
        """Whether others wait already for the lock that its step wants, which it does not have itself.

        Were it to wait beside them, the store would choose who is next: PostgreSQL gives no order to
        those who wait for a row that was changed, or for a key. What it would have seen at once, had it
        not to wait at all, it sees where it goes before those others.
        """
        lane = actor.lane
        if lane is None or not lane.holds:
            return False
        before = [other for other in self._blocked() if other.blocked_at < actor.blocked_at]
        queue = [other for other in before if other.lane and self.gate.queues(lane, other.lane)]
        return bool(queue) and not any(actor.number in self._chain(other) for other in queue)

    def _chain(self, actor: Actor[L]) -> set[int]:
        """Whom it waits for, directly and through others."""
        found: set[int] = set()
        waiting = [actor]
        while waiting:
            fresh = {number for number in waiting.pop().waits_for if number is not None and number >= 0}
            waiting += (self._actors[number] for number in fresh - found)
            found |= fresh
        return found

    def _early(self, actor: Actor[L]) -> list[Actor[L]]:
        """Who is to be sent before `actor` gets its answer: whoever begins before its next step.

        Over one connection, that step could not be overtaken by theirs any more.
        """
        later = self._prefix[len(self.steps) + 1 :]
        until = later.index(actor.number) if actor.number in later else len(later)
        coming = [self._actors[number] for number in dict.fromkeys(later[:until])]
        return [other for other in coming if other.phase is Phase.UNSENT]

    def _do_silently(self, lane: L) -> None:
        """Have a step done and its answer kept."""
        self.gate.grant(lane)
        self.gate.keep(lane)
        deadline = time.monotonic() + self.patience
        while lane.waiting and (self._pump() or not self.gate.blockers(lane)):
            if time.monotonic() > deadline:
                return

    def _pass_on(self) -> None:
        """Pass on, one by one, the answers that came after others on the same connection."""
        while True:
            due = (a for a in self._actors if a.phase is Phase.BEHIND and a.lane and not a.lane.behind)
            actor = next(due, None)
            if actor is None or actor.lane is None:
                return
            for other in self._early(actor):
                self._begin(other)
            actor.phase = Phase.RUNNING
            self.gate.grant(actor.lane)
            self._settle(actor)
            self.hindered = self.hindered or actor.phase is Phase.HELD

    # ---------------------------------------------------------------- settle

    def _settle(self, actor: Actor[L]) -> None:
        """Await what becomes of the actor that was let go: held, answered, blocked, or lost."""
        self.gate.running = actor.number
        deadline = time.monotonic() + self.patience
        tick = 0.0
        while True:
            mine = [lane for lane in self.gate.lanes if lane.owner == actor.number]
            held = [lane for lane in mine if lane.holds]
            if len(held) > 1:
                raise TargetError(f"{self._name(actor)} sends two statements at once: their order is its own")
            if held:
                actor.phase, actor.lane = Phase.HELD, held[0]
                break
            behind = next((lane for lane in mine if lane.behind), None)
            if behind is not None:
                actor.phase, actor.lane = Phase.BEHIND, behind
                break
            silent = time.monotonic() - self._stirred_at >= self._silence(actor)
            if actor.response is not None and silent and not any(lane.busy for lane in mine):
                actor.phase, actor.lane = Phase.DONE, None
                break
            waiting = next((lane for lane in mine if lane.waiting), None)
            tick = tick or (_SOON if waiting is not None and self.gate.foreseen(waiting) else _TICK)
            if not self._pump(tick):
                tick = min(2 * tick, _TICK)
                if waiting is not None and self._waits(waiting, frozenset({actor.number})):
                    self.gate.keep(waiting)
                    actor.phase, actor.lane, actor.since = Phase.BLOCKED, waiting, time.monotonic()
                    break
                if time.monotonic() > deadline:
                    actor.phase = Phase.LOST
                    break
        self.gate.running = None

    def _silence(self, actor: Actor[L]) -> float:
        """Seconds of silence after which nothing more is expected; more where the order says otherwise."""
        promised = actor.number in self._prefix[len(self.steps) + 1 :]  # the step that goes on is not in yet
        return self.patience / 2 if promised else self.linger

    def _settle_blocked(self, actor: Actor[L]) -> bool:
        """Await what another one just did for a blocked actor; whether it got any further."""
        lane = actor.lane
        assert lane is not None
        if actor.queued:
            return not self._ahead(actor) and self._come_up(actor)
        waited_for = actor.waits_for
        deadline = time.monotonic() + self.patience
        while lane in self.gate.lanes and lane.waiting:
            if self._waits(lane, frozenset({actor.number})):
                return actor.waits_for != waited_for
            self._pump()
            if time.monotonic() > deadline:
                actor.phase = Phase.LOST
                return True
        actor.phase = Phase.READY
        return True

    def _come_up(self, actor: Actor[L]) -> bool:
        """Let go to the store what waited here for its turn, and keep the answer."""
        assert actor.lane is not None
        actor.queued, actor.since = False, time.monotonic()
        self.gate.grant(actor.lane)
        self.gate.keep(actor.lane)
        self._settle_blocked(actor)
        return True

    def _waits(self, lane: L, seen: frozenset[int]) -> bool:
        """Whether it waits for what nobody gives before another step is granted.

        A cycle is no such wait: the server's deadlock detector will break it.
        """
        blockers = self.gate.blockers(lane)
        if lane.owner is not None:
            self._actors[lane.owner].waits_for = blockers
        if blockers == {ANYBODY}:
            return True
        for owner in blockers:
            if owner is None or owner in seen:
                return False
            other = self._actors[owner]
            if other.phase is Phase.BLOCKED and other.lane is not None and other.lane.waiting:
                if not self._waits(other.lane, seen | {owner}):
                    return False
            elif other.phase in {Phase.RUNNING, Phase.DONE, Phase.LOST}:
                return False
        return bool(blockers)

    def _pump(self, tick: float = _TICK) -> bool:
        """Move bytes and attribute them; False when nothing came for `tick` seconds."""
        stirred = self.gate.stirred
        for ready in self.gate.pump(tick, self._watched):
            for actor in self._actors:
                if actor.connection is ready:
                    actor.response = actor.connection.advance()
                    stirred = -1
        if stirred < 0:
            self._watched = [a.connection for a in self._actors if a.response is None]
        if self.gate.unsupported:
            raise TargetError(f"the application cannot be held at its statements: {self.gate.unsupported}")
        stray = self.gate.attribute()
        if stray:
            raise TargetError(
                "a statement came that no request of the scenario sent: something runs in the"
                f" background ({stray})"
            )
        if stirred == self.gate.stirred:
            return False
        self._stirred_at = time.monotonic()
        return True

    def _name(self, actor: Actor[L]) -> str:
        return str(self.requests[actor.number])
