"""A tiny machine that runs generated concurrent programs: the ground truth for the searches.

It executes a proposal by the rules of the probe runtime, whose reference is `Choice`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deadheat.schedule import Choice, End, Op, Proposal, Strategy, Trace, TraceStep

Instruction = tuple[str, int]  # ("read" | "write" | "lock", resource); locks end with the program
Program = tuple[tuple[Instruction, ...], ...]
Outcome = tuple[object, ...]


@dataclass
class Machine:
    """Runs `program` under proposals; counts and remembers outcomes."""

    program: Program
    outcomes: set[Outcome] = field(default_factory=set)
    traces: set[object] = field(default_factory=set)
    runs: int = 0
    redundant: int = 0

    def op(self, actor: int, position: int) -> Op:
        kind, resource = self.program[actor][position]
        return Op(resource + 1, write=kind != "read")

    def run(self, proposal: Proposal) -> Trace:
        self.runs += 1
        position = [0] * len(self.program)
        memory: dict[int, object] = {}
        seen: list[list[object]] = [[] for _ in self.program]
        held: dict[int, int] = {}
        steps: list[TraceStep] = []
        released: list[set[int]] = []
        choice = Choice(proposal, len(self.program))
        while True:
            alive = [a for a in range(len(self.program)) if position[a] < len(self.program[a])]
            enabled = frozenset(a for a in alive if self._can_go(a, position[a], held))
            if not enabled:
                break
            actor = choice.next(enabled, {a: self.op(a, position[a]) for a in alive})
            if actor is None:
                return Trace(tuple(steps), End.DIVERGED)
            op = self.op(actor, position[actor])
            kind, resource = self.program[actor][position[actor]]
            if kind == "read":
                seen[actor].append(memory.get(resource))
            elif kind == "write":
                memory[resource] = (actor, position[actor])
            else:
                held[resource] = actor
            steps.append(TraceStep(actor, op, enabled))
            position[actor] += 1
            released.append(set())
            if position[actor] == len(self.program[actor]):
                # Locks are released with the last step, inside it, as guards are in handlers.
                released[-1] = {lock for lock, owner in held.items() if owner == actor}
                held = {lock: owner for lock, owner in held.items() if owner != actor}
        pending = tuple((a, self.op(a, position[a])) for a in alive)
        end = End.REDUNDANT if choice.redundant else End.STUCK if alive else End.DONE
        if choice.redundant:
            self.redundant += 1
        else:
            self.outcomes.add((tuple(map(tuple, seen)), tuple(sorted(memory.items(), key=str)), tuple(alive)))
            self.traces.add(self.foata(steps, released))
        return Trace(tuple(steps), end, pending)

    def _can_go(self, actor: int, position: int, held: dict[int, int]) -> bool:
        kind, resource = self.program[actor][position]
        return kind != "lock" or resource not in held

    def explore(self, strategy: Strategy) -> Iterator[Trace]:
        while (proposal := strategy.propose()) is not None:
            trace = self.run(proposal)
            strategy.observe(trace)
            yield trace

    def foata(
        self, steps: list[TraceStep], released: list[set[int]]
    ) -> tuple[frozenset[tuple[int, int]], ...]:
        """Foata normal form: equal exactly for executions in one Mazurkiewicz trace.

        A step depends on its actor's steps, on conflicting steps, and an acquisition on the
        step that released the lock.
        """
        layers: list[set[tuple[int, int]]] = []
        placed: list[tuple[TraceStep, int, set[int]]] = []
        count: dict[int, int] = {}
        for step, freed in zip(steps, released, strict=True):
            position = count.get(step.actor, 0)
            count[step.actor] = position + 1
            kind, resource = self.program[step.actor][position]
            level = 1 + max(
                (
                    level
                    for other, level, locks in placed
                    if other.actor == step.actor
                    or other.op.conflicts(step.op)
                    or (kind == "lock" and resource in locks)
                ),
                default=-1,
            )
            if level == len(layers):
                layers.append(set())
            layers[level].add((step.actor, position))
            placed.append((step, level, freed))
        return tuple(frozenset(layer) for layer in layers)
