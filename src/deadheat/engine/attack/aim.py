"""When to send each racer so that their windows meet.

Owns the search over offsets between racers. It must not know requests or sockets: latencies and
hits go in, offsets in seconds come out, and the same seed gives the same answers.

Releasing at once is right for equal racers and useless for unequal ones: one that passes a 3 ms
guard before a 1 ms window is never in it together with one that has no guard. The difference of
their latencies, measured one at a time, says how much earlier the slow one has to go if both
windows stand at the end of their handlers; a grid around it covers the other places, and Thompson
sampling (W. R. Thompson, Biometrika 25, 1933; Chapelle and Li, NIPS 2011) then spends the rounds
where hits have been seen. Where hits are found, the grid is made finer around them.
"""

from collections.abc import Sequence
from itertools import groupby
from random import Random
from statistics import median

from msgspec import Struct

_EACH = 2  # rounds for every offset before the bandit chooses
_REFINE = 24  # rounds between two looks at whether to refine
_FINEST = 0.000_1  # seconds: below this the release itself is the noise
_STEPS = 4  # grid steps on either side


class Arm(Struct, frozen=True):
    """One way to send the racers: an offset in seconds for each, the earliest 0, and in words."""

    offsets: tuple[float, ...]
    words: str


class Tally(Struct, frozen=True):
    """What an arm has brought: hits of trials."""

    arm: Arm
    hits: int
    trials: int


class Aim:
    """Searches the offsets with the highest share of hits.

    `latencies` are seconds for each racer alone, in the order of the racers; racers with the same
    entry in `groups` (default: the same latency) always go together.
    """

    def __init__(
        self, latencies: Sequence[float], groups: Sequence[int] | None = None, seed: int = 0
    ) -> None:
        """Lay the grid."""
        self._random = Random(seed)
        self._groups = tuple(groups) if groups is not None else _by_value(latencies)
        self._latency = {
            group: median(latencies[i] for i, own in enumerate(self._groups) if own == group)
            for group in dict.fromkeys(self._groups)
        }
        self._counts: dict[tuple[float, ...], list[int]] = {}  # shifts by group → [hits, trials]
        slowest = max(self._latency.values(), default=0.0)
        self._learned = _from_zero([slowest - latency for latency in self._latency.values()])
        self._step = max(slowest / _STEPS, 2 * _FINEST)
        self._pulls = 0
        for shifts in self._grid():
            self._counts.setdefault(shifts, [0, 0])

    @property
    def learned(self) -> Arm:
        """The offsets at which everybody would end at the same time."""
        return self._arm(self._learned)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every way under consideration."""
        return tuple(self._arm(shifts) for shifts in self._counts)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """What each way has brought, best first."""
        ranked = sorted(self._counts, key=self._mean, reverse=True)
        return tuple(Tally(self._arm(shifts), *self._counts[shifts]) for shifts in ranked)

    @property
    def best(self) -> Arm:
        """The way with the highest expected share of hits; the learned one while nothing is known."""
        return self._arm(self._leader())

    def next(self) -> Arm:
        """Choose how to send the next round."""
        for shifts, (_, trials) in self._counts.items():
            if trials < _EACH:
                return self._arm(shifts)
        draws = {
            shifts: self._random.betavariate(1 + hits, 1 + trials - hits)
            for shifts, (hits, trials) in self._counts.items()
        }
        return self._arm(max(draws, key=lambda shifts: draws[shifts]))

    def tell(self, arm: Arm, hit: bool) -> None:
        """Learn from a round sent as `arm` says.

        Raises:
            KeyError: the arm is none of this search.
        """
        counts = self._counts[self._shifts(arm)]
        counts[0] += hit
        counts[1] += 1
        self._pulls += 1
        if self._pulls % _REFINE == 0:
            self._refine()

    def _grid(self) -> list[tuple[float, ...]]:
        """Learned first, then at once, then each group shifted alone, the nearest shifts first."""
        if len(self._latency) < 2:
            return [(0.0,) * len(self._latency)]
        together = (0.0,) * len(self._latency)
        grid = [self._learned, together]
        for distance in range(1, _STEPS + 1):
            for sign in (1, -1):
                shift = sign * distance * self._step
                moved = range(1, len(self._latency)) if len(self._latency) == 2 else range(len(self._latency))
                grid += [self._moved(self._learned, group, shift) for group in moved]
        return grid

    def _refine(self) -> None:
        """Try halfway between the best way and its neighbours, once it has hit at all."""
        leader = self._leader()
        step = self._step / 2
        if not self._counts[leader][0] or step < _FINEST or len(self._latency) < 2:
            return
        fresh = [
            self._moved(leader, group, sign * step) for group in range(1, len(leader)) for sign in (1, -1)
        ]
        for shifts in fresh:
            self._counts.setdefault(shifts, [0, 0])
        self._step = step

    def _leader(self) -> tuple[float, ...]:
        return max(self._counts, key=self._mean)

    def _mean(self, shifts: tuple[float, ...]) -> float:
        hits, trials = self._counts[shifts]
        return (1 + hits) / (2 + trials)

    @staticmethod
    def _moved(shifts: Sequence[float], group: int, by: float) -> tuple[float, ...]:
        return _from_zero([each + by if i == group else each for i, each in enumerate(shifts)])

    def _arm(self, shifts: tuple[float, ...]) -> Arm:
        by_group = dict(zip(self._latency, shifts, strict=True))
        return Arm(tuple(by_group[group] for group in self._groups), self._words(shifts))

    def _words(self, shifts: tuple[float, ...]) -> str:
        if not any(shifts):
            return "at once"
        words = ", ".join(
            f"racer {self._letters(group)} after {shift * 1e3:.2f} ms"
            for group, shift in zip(self._latency, shifts, strict=True)
            if shift
        )
        return f"{words} (the difference of their latencies)" if shifts == self._learned else words

    def _letters(self, group: int) -> str:
        members = [i for i, own in enumerate(self._groups) if own == group]
        return "+".join(chr(ord("A") + i) if i < 26 else str(i + 1) for i in members[:4])

    def _shifts(self, arm: Arm) -> tuple[float, ...]:
        by_group = dict(zip(self._groups, arm.offsets, strict=True))
        return tuple(by_group[group] for group in self._latency)


def _from_zero(shifts: Sequence[float]) -> tuple[float, ...]:
    """To the microsecond, the earliest at 0."""
    earliest = min(shifts, default=0.0)
    return tuple(round(each - earliest, 6) for each in shifts)


def _by_value(latencies: Sequence[float]) -> tuple[int, ...]:
    ranked = sorted(range(len(latencies)), key=lambda i: latencies[i])
    groups = [0] * len(latencies)
    for number, (_, same) in enumerate(groupby(ranked, key=lambda i: latencies[i])):
        for i in same:
            groups[i] = number
    return tuple(groups)
