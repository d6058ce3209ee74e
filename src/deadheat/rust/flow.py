"""Questions about one event graph: which locks are held where, what can follow what.

Owns the data-flow over a body. Lock sets are the classic pair (Savage et al., Eraser, 1997, for
the use; a forward may/must analysis for the computation): *must* answers "is this protected?",
*may* answers "can this deadlock?". Order ignores back edges: an earlier iteration's read feeding
a later iteration's write is not followed.
"""

from functools import cached_property

from deadheat.rust.ir import Event, Kind


class Flow:
    """The analysis of one body; events are addressed by id, sets of events are bit masks."""

    def __init__(self, events: list[Event]) -> None:
        """Analyse `events`; ids must be their positions."""
        self.events = events

    @cached_property
    def live(self) -> int:
        """The events that control can reach."""
        live = 1 if self.events else 0
        for event in self.events:
            for pred in event.preds:
                if pred < event.id and live >> pred & 1:
                    live |= 1 << event.id
                    break
        return live

    @cached_property
    def after(self) -> list[int]:
        """What can happen after each event."""
        after = [0] * len(self.events)
        for event in reversed(self.events):
            mine = after[event.id]
            for pred in event.preds:
                if pred < event.id:
                    after[pred] |= mine | (1 << event.id)
        return after

    @property
    def may(self) -> list[int]:
        """The guards perhaps held before each event."""
        return self._locks[0]

    @property
    def must(self) -> list[int]:
        """The guards surely held before each event."""
        return self._locks[1]

    @cached_property
    def _locks(self) -> tuple[list[int], list[int]]:
        """Fixpoint of the guards held *before* each event: perhaps, surely."""
        events, everything = self.events, (1 << len(self.events)) - 1
        held_may, held_must = [0] * len(events), [0] * len(events)
        loops = any(pred >= event.id for event in events for pred in event.preds)
        if not loops and all(event.kind is not Kind.ACQUIRE for event in events):
            return held_may, held_must
        out_may, out_must = [0] * len(events), [everything] * len(events)
        changed = True
        rounds = 0
        while changed and rounds < 12:
            changed = False
            rounds += 1
            for event in events:
                may, must = 0, everything
                for pred in event.preds:
                    may |= out_may[pred]
                    must &= out_must[pred]
                if not event.preds:
                    must = 0
                held_may[event.id], held_must[event.id] = may, must
                if event.kind is Kind.ACQUIRE:
                    may |= 1 << event.id
                    must |= 1 << event.id
                elif event.kind is Kind.RELEASE:
                    for guard in event.guards:
                        may &= ~(1 << guard)
                        must &= ~(1 << guard)
                if may != out_may[event.id] or must != out_must[event.id]:
                    out_may[event.id], out_must[event.id] = may, must
                    changed = loops  # without a back edge nothing comes round again
        return held_may, held_must

    def is_live(self, event: Event) -> bool:
        """Whether control can reach the event."""
        return bool(self.live >> event.id & 1)

    def follows(self, first: Event, second: Event) -> bool:
        """Whether `second` can happen after `first` in one run of the body."""
        return bool(self.after[first.id] >> second.id & 1)

    def held(self, event: Event, *, surely: bool) -> list[Event]:
        """The acquisitions whose guards are held at an event."""
        mask = (self.must if surely else self.may)[event.id]
        return [self.events[number] for number in bits(mask)]

    def between(self, first: Event, second: Event, kind: Kind) -> list[Event]:
        """Events of a kind that can happen after `first` and before `second`."""
        after = self.after[first.id]
        return [
            event
            for event in self.events[first.id + 1 : second.id]
            if event.kind is kind and after >> event.id & 1 and self.after[event.id] >> second.id & 1
        ]


def bits(mask: int) -> list[int]:
    """The positions of the set bits, ascending."""
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
