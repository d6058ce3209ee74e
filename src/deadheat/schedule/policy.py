"""Choices by chance, made where the schedule is executed: a policy, and what it chooses.

Owns the words of a policy (docs/protocol.md, `RUN`) and the reference implementation of its choices.
It must not know why that policy was asked for. `crates/deadheat-probe` (`control/sampler.rs`) and
`lab/embedded` have implementations of their own, which choose the same from the same seed: tests
compare all three (`control/tests/policies.txt`).

Theory. All four are one loop, "of those who can go, take the best", and differ in what is drawn when:

- *walk*: anybody who can go, each as likely.
- *pos*: a priority a step, drawn when the step comes into sight and again when a step that it races
  with was taken. Yuan, Yang, Gu, *Partial order aware concurrency sampling*, CAV 2018.
- *pct*: a priority an actor; at each change point the actor in front falls behind all others.
  Burckhardt, Kothari, Musuvathi, Nagarakatte, *A randomized scheduler with probabilistic guarantees
  of finding bugs*, ASPLOS 2010.
- *surw*: whose interesting step comes next is drawn by how many each has left; until it comes, the
  interesting steps of others wait. Zhao, Wolff, Mathur, Roychoudhury, *Selectively uniform
  concurrency testing*, ASPLOS 2025.

Chance is splitmix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA
2014): nine lines in any language.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import cache
from itertools import count

from msgspec import Struct

_MASK = (1 << 64) - 1
_TOP = 1 << 63
_MOST_IN_TURN = 6  # actors: a seed that draws n priorities in order takes n! tries
_TURNS = 200  # steps after which whoever is in front goes on


class SplitMix:
    """A deterministic stream of 64-bit numbers."""

    def __init__(self, seed: int) -> None:
        """Begin at `seed`, of which 64 bits count."""
        self._state = seed & _MASK

    @property
    def state(self) -> int:
        """The seed of a stream that goes on as this one does."""
        return self._state

    def draw(self) -> int:
        """Give the next number, of 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def below(self, limit: int) -> int:
        """Give a number from 0 to `limit` - 1; the bias of the remainder is below 2^-50 here."""
        return self.draw() % limit


class Kind(StrEnum):
    """Which policy."""

    WALK = "walk"
    POS = "pos"
    PCT = "pct"
    SURW = "surw"


class Policy(Struct, frozen=True):
    """How to choose once the prefix is done; its text is the last field of `RUN`.

    `changes` are the change points of PCT: numbers of choices, from 0. `counts` are how many
    interesting steps each actor is expected to take, and `interesting` the resources that make a
    step interesting, both for SURW; without resources every step is.
    """

    kind: Kind
    seed: int
    changes: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    interesting: frozenset[int] = frozenset()

    def __str__(self) -> str:
        """Give the words of the protocol: `pct:7:3,9`."""
        words = [self.kind.value, str(self.seed)]
        if self.kind is Kind.PCT:
            words += [_numbers(self.changes)]
        elif self.kind is Kind.SURW:
            words += [_numbers(self.counts), _numbers(sorted(self.interesting))]
        return ":".join(words)

    def is_interesting(self, resources: Collection[int]) -> bool:
        """Whether a step that touches these resources is: a step that may touch anything is, too."""
        return not self.interesting or 0 in resources or not self.interesting.isdisjoint(resources)


class Chooser:
    """The choices of one execution under a policy; `actors` take part, numbered from 0."""

    def __init__(self, policy: Policy, actors: int) -> None:
        """Draw what is drawn at the start."""
        self._policy = policy
        self._random = SplitMix(policy.seed)
        self._priority = [0] * actors
        if policy.kind in {Kind.PCT, Kind.POS}:
            self._priority = [self._high() for _ in range(actors)]
        self._left = [*policy.counts, *([0] * actors)][:actors]
        self._target: int | None = None
        self._choices = 0

    @property
    def ranking(self) -> tuple[int, ...]:
        """The actors, the one of the highest priority first."""
        return tuple(sorted(range(len(self._priority)), key=lambda actor: (-self._priority[actor], actor)))

    def choose(self, ready: Sequence[int], interesting: Collection[int], alive: Collection[int]) -> int:
        """Give who goes on: one of `ready` (ascending, at least one).

        `interesting` are the actors whose next step is known and interesting, `alive` those who have
        not finished.
        """
        match self._policy.kind:
            case Kind.WALK:
                return self._pick(ready)
            case Kind.POS:
                return self._best(ready)
            case Kind.PCT:
                for rank, change in enumerate(self._policy.changes):
                    if change == self._choices:
                        self._priority[self._best(ready)] = rank
                return self._best(ready)
            case Kind.SURW:
                return self._toward(ready, interesting, alive)

    def took(self, actor: int, interesting: bool, dependent: Collection[int]) -> None:
        """Learn that `actor` took its step; `dependent` are those whose next step conflicts with it."""
        self._choices += 1
        if self._policy.kind is Kind.POS:
            for other in sorted({actor, *dependent}):
                self._priority[other] = self._high()
        elif interesting:
            self._left[actor] = max(0, self._left[actor] - 1)
            self._target = None

    def _toward(self, ready: Sequence[int], interesting: Collection[int], alive: Collection[int]) -> int:
        if self._target is None or self._target not in alive:
            self._target = self._weighted(sorted(alive), interesting)
        open_to = [actor for actor in ready if actor == self._target or actor not in interesting]
        if not open_to:  # the target waits for somebody who is not to go: another one, then
            self._target = self._weighted(ready, interesting)
            open_to = [self._target] if self._target is not None else [*ready]
        return self._pick(open_to)

    def _weighted(self, among: Sequence[int], interesting: Collection[int]) -> int | None:
        """Draw by what each has left; whoever has more than was expected counts as one."""
        weights = [self._left[actor] or int(actor in interesting) for actor in among]
        if not sum(weights):
            return None
        point = self._random.below(sum(weights))
        for actor, weight in zip(among, weights, strict=True):
            if point < weight:
                return actor
            point -= weight
        raise AssertionError("unreachable")

    def _pick(self, ready: Sequence[int]) -> int:
        return ready[self._random.below(len(ready))]

    def _best(self, ready: Sequence[int]) -> int:
        return max(ready, key=lambda actor: (self._priority[actor], -actor))

    def _high(self) -> int:
        """Draw a priority above all that change points give."""
        return self._random.draw() | _TOP


@cache
def turns(actors: int) -> Policy | None:
    """Give the policy under which everybody takes a step in turn, in the order of the numbers.

    So it goes until somebody ends; from there on a turn may be left out. It is PCT with a change point
    before every step but the first, each falling lower than the one before, from a seed that draws the
    priorities in descending order. None for more actors than such a seed is looked for.
    """
    if actors > _MOST_IN_TURN:
        return None
    for seed in count():
        drawn = Chooser(Policy(Kind.PCT, seed), actors).ranking
        if drawn == tuple(range(actors)):
            return Policy(Kind.PCT, seed, changes=tuple(range(_TURNS, 0, -1)))
    raise AssertionError("unreachable")


def _numbers(values: Collection[int]) -> str:
    return ",".join(map(str, values)) or "-"
