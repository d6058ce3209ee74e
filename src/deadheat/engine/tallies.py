"""What each search strategy contributed to an exploration, in the words of the model."""

from collections.abc import Sequence

from deadheat.model import Tally
from deadheat.oracle import wilson
from deadheat.schedule import Lane, SourceDpor


def tally(lane: Lane) -> Tally:
    """Give what came of one strategy."""
    chance = lane.chance
    return Tally(
        strategy=lane.strategy.words,
        sampled=lane.samples,
        schedules=lane.schedules,
        violating=lane.violating,
        first=lane.first,
        rate=wilson(lane.violating, lane.schedules) if lane.samples and lane.schedules else None,
        depth=chance.depth if chance else 0,
        chance=chance.least if chance else 0.0,
        missed=chance.missed if chance else 1.0,
        complete=lane.complete,
    )


def merged(lanes: Sequence[Lane], *, twins: bool) -> tuple[str, ...]:
    """Give what orders may differ in and are run once by these searches."""
    commuting = any(isinstance(lane.strategy, SourceDpor) for lane in lanes)
    exchanged = twins and any(not lane.samples for lane in lanes)
    return (
        *(("steps that cannot affect each other",) if commuting else ()),
        *(("which of several identical requests is which",) if exchanged else ()),
    )
