"""The account of one release: which racer is where, what was sent of it, what came back.

Owns no socket and no clock: times are given to it, in nanoseconds.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from deadheat.io.lane import Lane
from deadheat.model import Request, Response, Round, Shot, Version
from deadheat.wire import Answered, Begun, Event, Lost, Parked, ReleasePlan


class Piece(NamedTuple):
    """Held bytes of one connection that go out in one write."""

    lane: Lane
    slots: tuple[int, ...]
    data: bytes


class _Racer:
    """What is known of one racer so far."""

    __slots__ = ("first", "last", "lost", "may_have_run", "released", "response", "sent")

    def __init__(self) -> None:
        self.released = 0
        self.first: int | None = None
        self.last: int | None = None
        self.response: Response | None = None
        self.lost = ""
        self.may_have_run = True
        self.sent = False  # at least one byte of it

    @property
    def over(self) -> bool:
        return self.response is not None or bool(self.lost)


class _Share(NamedTuple):
    """What one lane carries of a batch: racer numbers and held bytes, by slot."""

    racers: tuple[int, ...]
    tails: tuple[bytes, ...]


class Batch:
    """The racers of one release. `order` is the order in which they are to go."""

    def __init__(self, requests: Sequence[Request], plan: ReleasePlan, offsets: Sequence[float]) -> None:
        """Offsets are in seconds; none means together.

        Raises:
            ValueError: there are offsets, but not one for each request.
        """
        if offsets and len(offsets) != len(requests):
            raise ValueError(f"{len(offsets)} offsets for {len(requests)} racers")
        earliest = min(offsets, default=0.0)
        self._requests = tuple(requests)
        self._plan = plan
        self._offsets = tuple(each - earliest for each in offsets)
        self._racers = [_Racer() for _ in requests]
        self._shares: dict[Lane, _Share] = {}
        self._parked: set[Lane] = set()
        self._left = len(self._racers)
        self.order = sorted(range(len(requests)), key=lambda i: self._offsets[i] if offsets else 0)
        self.signals: set[Lane] = set()
        self.sent_ahead = False
        self.fired = False
        self.disturbed = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The connections it goes over."""
        return tuple(self._shares)

    @property
    def done(self) -> bool:
        """Whether every racer is answered or lost."""
        return self._left == 0

    @property
    def waiting(self) -> bool:
        """Whether no racer is answered or lost."""
        return self._left == len(self._racers)

    @property
    def confirmed(self) -> bool:
        """Whether every connection that was going to tell has told that its racers are parked."""
        return all(
            lane in self._parked or all(self._racers[i].over for i in self._shares[lane].racers)
            for lane in self.signals
        )

    def assign(self, lane: Lane, racers: Sequence[int]) -> bytes:
        """Let `lane` carry these racers; gives what is to be sent ahead."""
        prepared = lane.carrier.prepare([self._requests[i] for i in racers], self._plan)
        self._shares[lane] = _Share(tuple(racers), prepared.tails)
        if prepared.signal:
            self.signals.add(lane)
        if prepared.ahead:
            self.sent_ahead = True
            for i in racers:
                self._racers[i].sent = True
        return prepared.ahead

    def pieces(self) -> list[tuple[int, list[Piece]]]:
        """What to write at the release, by offset in nanoseconds.

        The racers of one connection that go together are one write.
        """
        due: dict[int, dict[Lane, list[int]]] = {}
        for lane, share in self._shares.items():
            for slot, racer in enumerate(share.racers):
                offset = round(self._offsets[racer] * 1e9) if self._offsets else 0
                due.setdefault(offset, {}).setdefault(lane, []).append(slot)
        return [
            (offset, [self._piece(lane, slots) for lane, slots in due[offset].items()])
            for offset in sorted(due)
        ]

    def _piece(self, lane: Lane, slots: list[int]) -> Piece:
        tails = self._shares[lane].tails
        return Piece(lane, tuple(slots), b"".join(tails[slot] for slot in slots))

    def again(self, piece: Piece) -> Piece:
        """Leave out of a piece what its connection no longer wants."""
        tails = self._shares[piece.lane].tails
        wanted = [slot for slot in piece.slots if piece.lane.carrier.wants(slot)]
        return piece._replace(data=b"".join(tails[slot] for slot in wanted))

    def went(self, piece: Piece, at: int) -> None:
        """Take note that a piece was written at `at`."""
        racers = self._shares[piece.lane].racers
        for slot in piece.slots:
            racer = self._racers[racers[slot]]
            racer.released = at
            racer.sent = racer.sent or bool(piece.data)
            piece.lane.carrier.released(slot)

    def take(self, lane: Lane, events: Iterable[Event], at: int) -> None:
        """Take events of a lane, read at `at`."""
        racers = self._shares[lane].racers
        for event in events:
            if isinstance(event, Parked):
                self._parked.add(lane)
                continue
            racer = self._racers[racers[event.slot]]
            if isinstance(event, Begun):
                racer.first = at
            elif not racer.over:
                self._end(racer, event, at)
            self.disturbed = self.disturbed or not self.fired

    def _end(self, racer: _Racer, event: Answered | Lost, at: int) -> None:
        self._left -= 1
        if isinstance(event, Answered):
            racer.response, racer.last = event.response, at
        else:
            racer.lost = event.reason
            racer.may_have_run = event.may_have_run and racer.sent

    def give_up(self, reason: str, at: int) -> None:
        """Take note that whoever has not answered by now is not waited for."""
        for racer in self._racers:
            if not racer.over:
                self._end(racer, Lost(0, reason, may_have_run=True), at)

    def result(self, version: Version) -> Round:
        """Give what became of everybody."""
        parked = {i for lane in self._parked for i in self._shares[lane].racers}
        shots = tuple(
            Shot(
                self._requests[i], racer.response, racer.released, racer.first, racer.last,
                racer.lost, racer.may_have_run, i in parked,
            )
            for i, racer in enumerate(self._racers)
        )  # fmt: skip
        return Round(shots, version, self._plan.name, len(self._shares), self._offsets, self._note(parked))

    def _note(self, parked: set[int]) -> str:
        expected = {i for lane in self.signals for i in self._shares[lane].racers}
        missing = len(expected - parked)
        early = sum(r.first is not None and r.first < r.released for r in self._racers)
        notes = []
        if missing:
            notes.append(f"{missing} of {len(expected)} racers were not confirmed parked in time")
        if early:
            notes.append(f"{early} racers were answered before the release")
        return "; ".join(notes)
