"""What each search strategy contributed to an exploration, a sentence each.

Owns the words for samples: a share with its interval, and what was promised. It must not say that
something is not there; only how probable it is that it was missed, where a strategy promises that at all.
"""

from deadheat.model import Exploration, Interval, Tally
from deadheat.report.names import number

_CERTAIN = 0.0001


def lines(exploration: Exploration) -> list[str]:
    """A sentence for each strategy; none where everything was exhausted, and nothing is left to add."""
    if exploration.complete:
        return []
    tallies = exploration.strategies
    told = [_line(tally) for tally in tallies if tally.schedules] if _worth(tallies) else []
    if exploration.bound is not None:
        most = number(exploration.bound, "preemption")
        told.append(f"every order with at most {most} was run" if exploration.bound else _NONE)
    return told


def exhaustive(exploration: Exploration) -> tuple[int, int]:
    """How many orders the search ran that covered them all, and how many of these violate.

    All that were run, where no search says so: samples beside it would count orders twice.
    """
    whole = next((tally for tally in exploration.strategies if tally.complete), None)
    if whole is None:
        return exploration.schedules, exploration.violating
    return whole.schedules, whole.violating


_NONE = "every order without preemption was run"


def _worth(tallies: tuple[Tally, ...]) -> bool:
    return len(tallies) > 1 or any(tally.sampled for tally in tallies)


def _line(tally: Tally) -> str:
    words = f"{tally.strategy}: {number(tally.schedules, 'order')}, "
    if tally.violating:
        words += (
            f"{tally.violating} {'violates' if tally.violating == 1 else 'violate'}, first no. {tally.first}"
        )
    else:
        words += "none violates"
    if tally.rate is not None:
        words += f" ({_share(tally.rate)} of such orders do, at 95 % confidence)"
    if tally.chance:
        words += (
            f"; each shows a given race of depth {tally.depth} with a chance of at least 1 in"
            f" {1 / tally.chance:.0f}: one that is there was missed with at most {_percent(tally.missed)}"
        )
    return words


def _share(rate: Interval) -> str:
    return f"{_percent(rate.low).removesuffix(' %')}–{_percent(rate.high)}"


def _percent(share: float) -> str:
    if 0 < share < _CERTAIN:
        return "0.01 %"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"
