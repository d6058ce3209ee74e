"""Which order next: the search over schedules, and the codec that names one.

Owns the choice of the next schedule and what is learned from its trace. It must not know how a
schedule is executed (`io.hold` does) nor what makes an outcome wrong (`oracle` does): a strategy
proposes a prefix and what chooses beyond it, somebody runs it, and the strategy observes the trace.

A new search strategy is one file here that satisfies `Strategy`, and one line in `STRATEGIES`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from deadheat.schedule.bounded import Bounded
from deadheat.schedule.choice import Choice
from deadheat.schedule.dpor import SourceDpor
from deadheat.schedule.exhaustive import Exhaustive
from deadheat.schedule.pct import Pct
from deadheat.schedule.policy import Chooser, Kind, Policy
from deadheat.schedule.portfolio import Lane, Portfolio
from deadheat.schedule.pos import Pos
from deadheat.schedule.sampler import Chance, Sampler
from deadheat.schedule.surw import Surw
from deadheat.schedule.symmetry import renaming, representatives, twins_of
from deadheat.schedule.trace import NOTHING, Diverged, End, Op, Problem, Proposal, Strategy, Trace, TraceStep
from deadheat.schedule.walk import RandomWalk

STRATEGIES: Mapping[str, Callable[[Problem], Strategy]] = MappingProxyType(
    {
        "source-dpor": SourceDpor,
        "exhaustive": Exhaustive,
        "bounded": Bounded,
        "pct": Pct,
        "surw": Surw,
        "pos": Pos,
        "walk": RandomWalk,
    }
)

__all__ = [
    "NOTHING", "STRATEGIES", "Bounded", "Chance", "Choice", "Chooser", "Diverged", "End", "Exhaustive",
    "Kind", "Lane", "Op", "Pct", "Policy", "Portfolio", "Pos", "Problem", "Proposal", "RandomWalk", "Sampler",
    "SourceDpor", "Strategy", "Surw", "Trace", "TraceStep", "renaming", "representatives", "twins_of",
]  # fmt: skip
