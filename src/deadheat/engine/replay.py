"""Running a recorded schedule again.

Owns the match between a schedule file and the present build: steps are matched by actor, probe
identity and occurrence, never by number, so edits elsewhere do no harm. Where the application
no longer takes the recorded step, the replay has DIVERGED, which is no verdict.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

from msgspec import Struct

from deadheat.engine.events import Explored
from deadheat.engine.evidence import schedule_of
from deadheat.engine.executor import Executor
from deadheat.engine.explore import Search
from deadheat.engine.hunt import Listener
from deadheat.engine.target import Observed
from deadheat.io.store import SavedSchedule
from deadheat.model import Exploration, Grant, Outcome, Point, TargetError
from deadheat.model.config import Explore
from deadheat.schedule import Diverged


class Attempt(Struct, frozen=True):
    """One run of the schedule: did the recorded violation come back?"""

    number: int
    violated: bool
    diverged: str | None = None
    observed: Observed | None = None


def replay(
    saved: SavedSchedule, opened: AbstractContextManager[Executor], limits: Explore, times: int
) -> Iterator[Attempt]:
    """Run the schedule `times` times, each from the recorded initial state, on the application `opened`.

    Raises:
        TargetError: the application cannot be started.
    """
    steps = [step for step in saved.schedule.steps if isinstance(step, Grant)]
    order = tuple(step.actor for step in steps)
    with opened as target:
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
                where = _missing(steps, error.after, dict(saved.points)) or str(error)
                yield Attempt(number, violated=False, diverged=where)
                continue
            except TargetError as error:
                target.abandon()
                yield Attempt(number, violated=False, diverged=str(error))
                continue
            place = _departs(steps, observed, target.point_table, dict(saved.points))
            same = violation is not None and (
                violation.deadlock or _shows(violation.observed, saved.expected)
            )
            yield Attempt(number, violated=same and place is None, diverged=place, observed=observed)


def explore_instead(
    saved: SavedSchedule, opened: AbstractContextManager[Executor], limits: Explore, listen: Listener
) -> Exploration:
    """Explore every order of the schedule's requests: for an application that no longer follows it.

    Raises:
        TargetError: the application cannot be started.
    """
    scenario = saved.scenario
    with opened as target:
        search = Search(target, scenario, limits, lambda *_: ())
        for event in search.events():
            listen(event)
            if isinstance(event, Explored):
                return event.exploration
    raise AssertionError("a search ends with what it explored")


def _shows(observed: Outcome, expected: Outcome) -> bool:
    """Whether the recorded answers and values are there; other state may have joined since."""
    return observed.responses == expected.responses and set(expected.state) <= set(observed.state)


def _missing(steps: list[Grant], after: int | None, recorded: Mapping[str, str]) -> str | None:
    """Say which recorded step nobody came to take, None where that is not known."""
    if after is None or after >= len(steps):
        return None
    expected = steps[after]
    who = chr(ord("A") + expected.actor)
    where = recorded.get(expected.point, expected.point)
    return f"step {after + 1}: {who} did not come to `{where}`"


def _departs(
    steps: list[Grant], observed: Observed, points: Mapping[int, Point], recorded: Mapping[str, str]
) -> str | None:
    """Say where the execution left the recorded steps, None if it did not.

    A probe's identity says what it is; a statement's is a fingerprint, so that its words are said.
    """
    done = [s for s in schedule_of(observed, points).steps if isinstance(s, Grant)]
    words = {point.identity: point.operation for point in points.values() if not point.span.file}
    for number, (expected, actual) in enumerate(zip(steps, done, strict=False), 1):
        if expected != actual:
            who = chr(ord("A") + expected.actor)
            if actual.point not in words:
                return f"step {number}: {who} was to be at {expected.point}, and is at {actual.point}"
            was = recorded.get(expected.point, expected.point)
            return f"step {number}: {who} was to send `{was}`, and sends `{words[actual.point]}`"
    if len(steps) != len(done):
        return f"{len(done)} steps instead of {len(steps)}"
    return None
