"""Which order next: the search over schedules, and the codec that names one.

Owns the choice of the next schedule and what is learned from its trace. It must not know how a
schedule is executed (`io.hold` does) nor what makes an outcome wrong (`oracle` does): a strategy
proposes a prefix, somebody runs it, and the strategy observes the trace.

A new search strategy is one file here that satisfies `Strategy`, and one line in `STRATEGIES`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from deadheat.schedule.dpor import SourceDpor
from deadheat.schedule.exhaustive import Exhaustive
from deadheat.schedule.trace import Diverged, End, Op, Proposal, Strategy, Trace, TraceStep

STRATEGIES: Mapping[str, Callable[[], Strategy]] = MappingProxyType(
    {
        "source-dpor": SourceDpor,
        "exhaustive": Exhaustive,
    }
)

__all__ = [
    "STRATEGIES", "Diverged", "End", "Exhaustive", "Op", "Proposal", "SourceDpor", "Strategy",
    "Trace", "TraceStep",
]  # fmt: skip
