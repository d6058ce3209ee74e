"""Choices by chance: a policy in the words of the protocol, and what it chooses.

The same as `deadheat.schedule.policy`, where the theory is, in the little that a runtime needs of it: this
folder imports nothing of Deadheat. Both draw the same from the same seed.
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

_MASK = (1 << 64) - 1
_ARGUMENTS = {"walk": 0, "pos": 0, "pct": 1, "surw": 2}


class Policy(Struct, frozen=True):
    """`pct` has change points; `surw` has each actor's number of interesting steps, and resources."""

    kind: str
    seed: int
    lists: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def parse(cls, words: str) -> "Policy":
        """Read `walk:<seed>`, `pos:<seed>`, `pct:<seed>:<changes>` or `surw:<seed>:<counts>:<resources>`.

        Raises:
            ValueError: it is none of these.
        """
        kind, *rest = words.split(":")
        if not rest or len(rest) != 1 + _ARGUMENTS.get(kind, len(rest)):
            raise ValueError(f"not a policy: {words}")
        lists = tuple(tuple(map(int, text.split(","))) if text != "-" else () for text in rest[1:])
        return cls(kind, int(rest[0]), lists)

    def interests(self, resource: int) -> bool:
        """Whether a step that touches the resource is interesting; 0, which may be any, is."""
        resources = self.lists[1] if self.kind == "surw" else ()
        return not resources or resource == 0 or resource in resources


class Chooser:
    """The choices of one execution; the arguments are those of the reference."""

    def __init__(self, policy: Policy, actors: int) -> None:
        """Draw what is drawn at the start."""
        self._policy = policy
        self._state = policy.seed & _MASK
        self._priority = [0] * actors
        if policy.kind in {"pct", "pos"}:
            self._priority = [self._high() for _ in range(actors)]
        counts = policy.lists[0] if policy.kind == "surw" else ()
        self._left = [*counts, *([0] * actors)][:actors]
        self._target: int | None = None
        self._choices = 0

    def choose(self, ready: Sequence[int], interesting: Collection[int], alive: Collection[int]) -> int:
        """Who goes on, among `ready` (ascending, at least one)."""
        match self._policy.kind:
            case "walk":
                return self._pick(ready)
            case "surw":
                return self._toward(ready, interesting, alive)
            case "pct":
                for rank, change in enumerate(self._policy.lists[0]):
                    if change == self._choices:
                        self._priority[self._best(ready)] = rank
        return self._best(ready)

    def took(self, actor: int, interesting: bool, dependent: Collection[int]) -> None:
        """`actor` took its step; `dependent` are those whose next step conflicts with it."""
        self._choices += 1
        if self._policy.kind == "pos":
            for other in sorted({actor, *dependent}):
                self._priority[other] = self._high()
        elif interesting:
            self._left[actor] = max(0, self._left[actor] - 1)
            self._target = None

    def _toward(self, ready: Sequence[int], interesting: Collection[int], alive: Collection[int]) -> int:
        if self._target is None or self._target not in alive:
            self._target = self._weighted(sorted(alive), interesting)
        unblocked = [actor for actor in ready if actor == self._target or actor not in interesting]
        if not unblocked:
            self._target = self._weighted(ready, interesting)
            unblocked = list(ready) if self._target is None else [self._target]
        return self._pick(unblocked)

    def _weighted(self, among: Sequence[int], interesting: Collection[int]) -> int | None:
        weights = [self._left[actor] or int(actor in interesting) for actor in among]
        if not sum(weights):
            return None
        point = self._draw() % sum(weights)
        for actor, weight in zip(among, weights, strict=True):
            if point < weight:
                return actor
            point -= weight
        return None

    def _pick(self, ready: Sequence[int]) -> int:
        return ready[self._draw() % len(ready)]

    def _best(self, ready: Sequence[int]) -> int:
        return max(ready, key=lambda actor: (self._priority[actor], -actor))

    def _high(self) -> int:
        return self._draw() | (1 << 63)

    def _draw(self) -> int:
        """The next number of splitmix64."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)
