"""One execution with its statements held before PostgreSQL, step by step.

Owns who goes, who is held, who waits for a lock. It must not know what is searched for. Theory as
for probes: stateless model checking (Godefroid, VeriSoft, POPL 1997), one request at a time, so that
the next statement belongs to the request just granted: attribution without the application's help.

A granted statement may meet a lock that another request's transaction holds. Its request is then
*blocked* until pg_blocking_pids no longer names that transaction; its answer is kept back, and
passing it on is a step of its own, or two requests would run at once. PostgreSQL's own answers to
deadlocks and serialization failures (40P01, 40001) reach the application: they are outcomes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from deadheat.engine.pg_keys import UNKNOWN, Keys
from deadheat.io.hold import Execution, ProbedStep
from deadheat.io.http import Connection
from deadheat.io.pg_admin import Admin
from deadheat.io.pg_proxy import Link, Proxy
from deadheat.model import Request, Response, TargetError
from deadheat.schedule import End, Op, Proposal, Trace, TraceStep

_TICK = 0.003  # seconds without a byte after which the database is asked who waits for whom
_MOST_STEPS = 2_000


class Phase(Enum):
    """Where a request is."""

    RUNNING = "running"
    HELD = "held"  # its next statement waits to be granted
    BLOCKED = "blocked"  # its statement waits for a lock
    READY = "ready"  # its statement no longer waits; the answer is kept until granted
    DONE = "done"
    LOST = "lost"  # it waits for something that is no statement and no lock


@dataclass
class _Actor:
    number: int
    connection: Connection
    phase: Phase = Phase.RUNNING
    link: Link | None = None
    response: Response | None = None


@dataclass
class Run:
    """One execution of `requests` over `connections`; `patience` in seconds bounds each settling."""

    proxy: Proxy
    admin: Admin
    keys: Keys
    requests: Sequence[Request]
    connections: Sequence[Connection]
    patience: float
    steps: list[TraceStep] = field(default_factory=list)
    probed: list[ProbedStep] = field(default_factory=list)
    _running: int | None = None

    def __post_init__(self) -> None:
        """Nobody has begun."""
        self._actors = [_Actor(n, connection) for n, connection in enumerate(self.connections)]

    def execute(self, proposal: Proposal) -> Execution:
        """Follow the proposal to the end of the execution.

        Raises:
            TargetError: the application does what cannot be attributed or held; the message says what.
        """
        self.proxy.gate = True
        for actor, request in zip(self._actors, self.requests, strict=True):
            actor.connection.send(request)
            self._settle(actor)
        asleep = set(proposal.sleep)
        end = End.DONE
        while enabled := frozenset(a.number for a in self._actors if a.phase in {Phase.HELD, Phase.READY}):
            position = len(self.steps)
            if self._lost or position >= _MOST_STEPS:
                break
            if position < len(proposal.prefix):
                chosen = proposal.prefix[position]
                if chosen not in enabled:
                    end = End.DIVERGED
                    break
            else:
                awake = enabled - asleep
                if not awake:
                    end = End.REDUNDANT
                last = self.steps[-1].actor if self.steps else -1
                among = awake or enabled
                chosen = last if last in among else min(among)
                op = self._op(self._actors[chosen])
                asleep = {n for n in asleep - {chosen} if not self._op(self._actors[n]).conflicts(op)}
            self._step(self._actors[chosen], enabled)
        if end is not End.DIVERGED and any(actor.phase is not Phase.DONE for actor in self._actors):
            end = End.HUNG
        pending = tuple((a.number, self._op(a)) for a in self._actors if a.phase is not Phase.DONE)
        return Execution(Trace(tuple(self.steps), end, pending), tuple(self.probed), ())

    @property
    def responses(self) -> tuple[Response | None, ...]:
        """The answers so far, by request."""
        return tuple(actor.response for actor in self._actors)

    @property
    def _lost(self) -> bool:
        return any(actor.phase is Phase.LOST for actor in self._actors)

    def _op(self, actor: _Actor) -> Op:
        link = actor.link
        if actor.phase is Phase.HELD and link is not None and link.held is not None:
            return self.keys.op(link.session.accesses(link.held))
        return UNKNOWN

    def _step(self, actor: _Actor, enabled: frozenset[int]) -> None:
        link = actor.link
        assert link is not None
        unit = link.held
        if actor.phase is Phase.READY or unit is None:
            point = self.keys.resume()
        else:
            point = self.keys.point(unit)
        op = self._op(actor)
        self.steps.append(TraceStep(actor.number, op, enabled, point))
        self.probed.append(ProbedStep(actor.number, point, op.place, None, None))
        actor.phase = Phase.RUNNING
        self.proxy.grant(link)
        self._settle(actor)
        for other in self._actors:
            if other.phase is Phase.BLOCKED:
                self._settle_blocked(other)

    # ---------------------------------------------------------------- settle

    def _settle(self, actor: _Actor) -> None:
        """Await what becomes of the actor that was let go: held, answered, blocked, or lost."""
        self._running = actor.number
        deadline = time.monotonic() + self.patience
        while True:
            mine = [link for link in self.proxy.links if link.owner == actor.number]
            held = [link for link in mine if link.held is not None]
            if len(held) > 1:
                raise TargetError(f"{self._name(actor)} sends two statements at once: their order is its own")
            if held:
                actor.phase, actor.link = Phase.HELD, held[0]
                break
            if actor.response is not None and not any(link.busy for link in mine):
                actor.phase, actor.link = Phase.DONE, None
                break
            if not self._pump():
                waiting = next((link for link in mine if link.session.in_flight), None)
                if waiting is not None and self._waits(waiting, frozenset({actor.number})):
                    waiting.muffled = True
                    actor.phase, actor.link = Phase.BLOCKED, waiting
                    break
                if time.monotonic() > deadline:
                    actor.phase = Phase.LOST
                    break
        self._running = None

    def _settle_blocked(self, actor: _Actor) -> None:
        """Await whether a blocked actor has got its lock by what another one just did."""
        link = actor.link
        assert link is not None
        deadline = time.monotonic() + self.patience
        while link in self.proxy.links and link.session.in_flight:
            if self._waits(link, frozenset({actor.number})):
                return
            self._pump()
            if time.monotonic() > deadline:
                actor.phase = Phase.LOST
                return
        actor.phase = Phase.READY

    def _waits(self, link: Link, seen: frozenset[int]) -> bool:
        """Whether it waits for locks that nobody gives up before another step is granted.

        A cycle is no such wait: the server's deadlock detector will break it.
        """
        blockers = self.admin.blockers(link.session.pid)
        owners = {other.session.pid: other.owner for other in self.proxy.links}
        for pid in blockers:
            owner = owners.get(pid)
            if owner is None or owner in seen:
                return False
            other = self._actors[owner]
            if other.phase is Phase.BLOCKED and other.link is not None and other.link.session.in_flight:
                if not self._waits(other.link, seen | {owner}):
                    return False
            elif other.phase in {Phase.RUNNING, Phase.DONE, Phase.LOST}:
                return False
        return bool(blockers)

    def _pump(self) -> bool:
        """Move bytes and attribute them; False when nothing came for a while."""
        before = self._running
        watched = [a.connection for a in self._actors if a.response is None]
        stirred = self.proxy.stirred
        for ready in self.proxy.pump(_TICK, watched):
            for actor in self._actors:
                if actor.connection is ready:
                    actor.response = actor.connection.advance()
                    stirred = -1
        if self.proxy.unsupported:
            raise TargetError(f"the application cannot be held at its statements: {self.proxy.unsupported}")
        for link in self.proxy.links:
            if not link.busy:
                link.owner = None
            elif link.owner is None:
                link.owner = before
                if before is None and link.held is not None:
                    raise TargetError(
                        "a statement came that no request of the scenario sent: something runs in the"
                        f" background ({link.held.statement})"
                    )
        return stirred != self.proxy.stirred

    def _name(self, actor: _Actor) -> str:
        return str(self.requests[actor.number])
