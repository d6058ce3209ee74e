"""Running a recorded schedule again.

Owns the match between a schedule file and the present build: steps are matched by actor, probe
identity and occurrence, never by number, so edits elsewhere do no harm. Where the application
no longer takes the recorded step, the replay has DIVERGED, which is no verdict.
"""

from collections.abc import Iterator

from msgspec import Struct

from deadheat.engine.evidence import schedule_of
from deadheat.engine.explore import Search
from deadheat.engine.target import Application, Observed, Target
from deadheat.io.store import SavedSchedule, Store
from deadheat.model import Grant, Outcome, TargetError
from deadheat.model.config import Explore
from deadheat.schedule import Diverged


class Attempt(Struct, frozen=True):
    """One run of the schedule: did the recorded violation come back?"""

    number: int
    violated: bool
    diverged: str | None = None
    observed: Observed | None = None


def replay(
    saved: SavedSchedule, application: Application, store: Store, limits: Explore, times: int
) -> Iterator[Attempt]:
    """Run the schedule `times` times, each from the recorded initial state.

    Raises:
        TargetError: the application cannot be started.
    """
    steps = [step for step in saved.schedule.steps if isinstance(step, Grant)]
    order = tuple(step.actor for step in steps)
    with Target(application, store) as target:
        search = Search(target, saved.scenario, limits, lambda *_: ())
        try:
            if len(saved.scenario.racers) > 1:
                search.baseline()
            else:  # one that waits for itself has no baseline, but may have a set-up
                target.prepare(saved.scenario.preparations)
        except Exception as error:
            raise TargetError(f"the sequential baseline fails: {error}") from error
        for number in range(1, times + 1):
            try:
                observed, violation = search.replay(order)
            except Diverged as error:
                yield Attempt(number, violated=False, diverged=str(error))
                continue
            except TargetError as error:
                target.abandon()
                yield Attempt(number, violated=False, diverged=str(error))
                continue
            place = _departs(steps, observed, target)
            same = violation is not None and (violation.deadlock or violation.observed == saved.expected)
            yield Attempt(number, violated=same and place is None, diverged=place, observed=observed)


def _shows(observed: Outcome, expected: Outcome) -> bool:
    """Whether the recorded answers and values are there; other state may have joined since."""
    return observed.responses == expected.responses and set(expected.state) <= set(observed.state)


def _departs(steps: list[Grant], observed: Observed, target: Target) -> str | None:
    """Say where the execution left the recorded steps, None if it did not."""
    done = [s for s in schedule_of(observed, target.point_table).steps if isinstance(s, Grant)]
    for number, (expected, actual) in enumerate(zip(steps, done, strict=False), 1):
        if expected != actual:
            who = chr(ord("A") + expected.actor)
            return f"step {number}: {who} was to be at {expected.point}, and is at {actual.point}"
    if len(steps) != len(done):
        return f"{len(done)} steps instead of {len(steps)}"
    return None
