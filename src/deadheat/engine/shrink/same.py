"""Whether a smaller witness is the same witness: it shows the same finding, every time it is run.

Owns that question. It must not know what was made smaller.
"""

from collections.abc import Sequence

from deadheat.engine.candidate import Candidate
from deadheat.engine.explore import Search
from deadheat.model import TargetError
from deadheat.schedule import Diverged

_CONFIRMED = 3


def same(search: Search, order: Sequence[int], name: str, like: Candidate) -> Candidate | None:
    """Run an order; give the witness if it shows the finding every time."""
    found = None
    for _ in range(_CONFIRMED):
        try:
            observed, violation = search.replay(order)
        except (Diverged, TargetError):
            search.target.abandon()
            return None
        if violation is None or violation.deadlock != like.verdict.deadlock:
            return None
        if name not in search.classify(observed, violation):
            return None
        found = Candidate(observed.execution.trace.order, observed, violation)
    return found
