"""An application in memory whose handlers are tables of steps: what a search explores, without a server.

It executes a proposal by the rules of the probe runtime, whose reference is `Choice`.
"""

from collections.abc import Callable, Mapping, Sequence

from deadheat.engine.target import Observed
from deadheat.io.hold import Execution, ProbedStep
from deadheat.model import AccessKind, Point, Preparation, Request, Reset, Response, Span, TargetError
from deadheat.oracle import Observation
from deadheat.schedule import Choice, End, Op, Proposal, Trace, TraceStep

Instruction = tuple[str, str, int]
"""`read` or `lock` a resource, or `write` what was read of it last plus a number."""

Code = Callable[[Request], tuple[int, Sequence[Instruction]]]
"""What a request is answered with, and the steps that it takes."""


class Toy:
    """Runs `code`; counts its executions, and ends in those that `dies` names."""

    restorable = True

    def __init__(self, code: Code, dies: Callable[[tuple[int, ...]], bool] = lambda _: False) -> None:
        self.code = code
        self.dies = dies
        self.runs = 0
        self.raced = 0
        self.starts = 0
        self.abandoned = 0
        self.limit: int | None = None
        """After so many concurrent executions the user presses Ctrl-C."""
        self.initial: Mapping[str, str] = {}
        self._numbers: dict[str, int] = {}
        self.point_table: dict[int, Point] = {}

    def prepare(self, setup: Sequence[Preparation]) -> None: ...

    def restart(self) -> None:
        self.starts += 1

    def reset(self, how: Reset, requests: Sequence[Request] = ()) -> None: ...

    def abandon(self) -> None:
        self.abandoned += 1

    def confirm_stuck(self) -> bool:
        return True

    def remember(self) -> bytes:
        return b""

    def recall(self, remembered: bytes) -> None: ...

    def sequential(
        self, requests: Sequence[Request], order: Sequence[int], probes: Sequence[Request] = ()
    ) -> Observed:
        self.runs += 1
        memory: dict[str, int] = {}
        answers: list[Response | None] = [None] * len(requests)
        execution = Execution(Trace(()), (), ())
        for actor in order:
            execution, (answer,) = self._run((requests[actor],), Proposal(), memory)
            answers[actor] = answer
        return Observed(Observation(tuple(answers), _state(memory)), (execution,))

    def concurrent(
        self,
        requests: Sequence[Request],
        proposal: Proposal,
        probes: Sequence[Request] = (),
        ahead: Sequence[Proposal] = (),
    ) -> Observed:
        if self.limit is not None and self.raced >= self.limit:
            raise KeyboardInterrupt
        self.runs += 1
        self.raced += 1
        memory: dict[str, int] = {}
        execution, answers = self._run(requests, proposal, memory)
        if self.dies(execution.trace.order):
            raise TargetError("toy ended (SIGABRT)")
        stuck = tuple(actor for actor, _ in execution.trace.pending)
        return Observed(Observation(tuple(answers), _state(memory)), (execution,), stuck)

    def _op(self, step: Instruction) -> tuple[Op, int]:
        kind, resource, _ = step
        number = self._numbers.setdefault(resource, len(self._numbers) + 1)
        point = 2 * number + (kind == "read")
        effect = AccessKind.READ if kind == "read" else AccessKind.WRITE
        identity = f"{kind} {resource}"
        self.point_table.setdefault(point, Point(point, identity, Span("", 1, 1, 1, 1), resource, effect))
        return Op(number, write=kind != "read"), point

    def _run(
        self, requests: Sequence[Request], proposal: Proposal, memory: dict[str, int]
    ) -> tuple[Execution, list[Response | None]]:
        answers = [self.code(request) for request in requests]
        position = [0] * len(requests)
        seen: list[dict[str, int]] = [{} for _ in requests]
        held: dict[str, int] = {}
        steps: list[TraceStep] = []
        probed: list[ProbedStep] = []
        choice = Choice(proposal, len(requests))
        diverged = False
        while True:
            alive = [a for a, (_, todo) in enumerate(answers) if position[a] < len(todo)]
            ahead = {a: self._op(answers[a][1][position[a]])[0] for a in alive}
            enabled = frozenset(
                a for a in alive if answers[a][1][position[a]][:2] not in {("lock", r) for r in held}
            )
            if not enabled:
                break
            actor = choice.next(enabled, ahead)
            if actor is None:
                diverged, actor = True, min(enabled)
            step = kind, resource, amount = answers[actor][1][position[actor]]
            op, point = self._op(step)
            before = memory.get(resource, 0)
            if kind == "read":
                seen[actor][resource] = before
            elif kind == "write":
                memory[resource] = seen[actor].get(resource, 0) + amount
            else:
                held[resource] = actor
            steps.append(TraceStep(actor, op, enabled, point))
            probed.append(ProbedStep(actor, point, 0, str(before), str(memory.get(resource, 0))))
            position[actor] += 1
            if position[actor] == len(answers[actor][1]):
                held = {lock: owner for lock, owner in held.items() if owner != actor}
        pending = tuple((a, self._op(answers[a][1][position[a]])[0]) for a in alive)
        end = (
            End.DIVERGED
            if diverged
            else End.REDUNDANT
            if choice.redundant
            else End.STUCK
            if alive
            else End.DONE
        )
        responses = [
            None if actor in alive else Response(status, (), str(sorted(seen[actor].items())).encode())
            for actor, (status, _) in enumerate(answers)
        ]
        return Execution(Trace(tuple(steps), end, pending), tuple(probed), ()), responses


def _state(memory: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in memory.items()))
