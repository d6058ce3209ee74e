"""From a violating execution to evidence that a person, and `deadheat replay`, can use.

Owns how an execution is told: which events, in which order, in whose words; and that it is filed.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from deadheat.engine.target import Observed
from deadheat.io.store import FORMAT, SavedSchedule, Store
from deadheat.model import (
    DeadheatError,
    Event,
    EventKind,
    Evidence,
    Finding,
    Grant,
    History,
    NotTested,
    Operation,
    Point,
    Scenario,
    Schedule,
    Snapshot,
)


def schedule_of(observed: Observed, points: Mapping[int, Point]) -> Schedule:
    """Write an execution down as a schedule that survives edits elsewhere and other builds."""
    visits: dict[tuple[int, str], int] = {}
    steps: list[Grant] = []
    for step in observed.execution.steps:
        identity = points[step.point].identity if step.point in points else str(step.point)
        occurrence = visits.get((step.actor, identity), 0)
        visits[step.actor, identity] = occurrence + 1
        steps.append(Grant(step.actor, identity, occurrence))
    return Schedule(tuple(steps))


def schedule_id(application: str, scenario: Scenario, schedule: Schedule) -> str:
    """Name a schedule: `dh1:` + what is raced + the order, with runs of one actor counted."""
    what = msgspec.json.encode((application, scenario.racers, scenario.setup))
    return f"dh1:{hashlib.sha256(what).hexdigest()[:6]}:{_runs(schedule.order)}"


def history_of(
    observed: Observed, scenario: Scenario, points: Mapping[int, Point], paths: Mapping[str, str]
) -> History:
    """Tell an execution as events: who sent, stepped, was left waiting, was answered."""
    responses = observed.observation.responses
    last = {step.actor: index for index, step in enumerate(observed.execution.steps)}
    events: list[Event] = []

    def say(
        actor: int,
        kind: EventKind,
        text: str = "",
        at: Point | None = None,
        values: tuple[str | None, str | None] = (None, None),
    ) -> None:
        events.append(
            Event(
                seq=len(events),
                t=float(len(events)),
                actor=actor,
                kind=kind,
                span=at.span if at else None,
                state=paths.get(at.state or "") if at else None,
                access=at.effect if at else None,
                before=values[0],
                after=values[1],
                point=at.identity if at else None,
                text=text or (at.operation if at else ""),
            )
        )

    def answer(actor: int) -> None:
        response = responses[actor]
        if response is not None:
            say(actor, EventKind.ANSWER, f"{response.status} {response.text}".rstrip())

    for actor, racer in enumerate(scenario.racers):
        say(actor, EventKind.SEND, str(racer.request))
    for actor in range(len(responses)):
        if actor not in last:
            answer(actor)
    for index, step in enumerate(observed.execution.steps):
        values = (step.before, step.after)
        say(step.actor, EventKind.STEP, at=points.get(step.point), values=values)
        if last[step.actor] == index:
            answer(step.actor)
    for actor, _ in observed.execution.trace.pending:
        point = observed.execution.pending_points.get(actor, 0)
        say(actor, EventKind.BLOCKED, at=points.get(point))
    calls = {e.actor: e.seq for e in events if e.kind is EventKind.SEND}
    returns = {e.actor: e.seq for e in events if e.kind is EventKind.ANSWER}
    operations = tuple(
        Operation(actor, actor, racer.request, calls[actor], returns.get(actor), responses[actor])
        for actor, racer in enumerate(scenario.racers)
    )
    return History(operations, tuple(events), Snapshot(observed.observation.state), observed.stuck)


def saved(
    finding: Finding, proof: Evidence, location: str, build: str, points: Sequence[Point]
) -> SavedSchedule:
    """Give what goes into the schedule file of a proved finding."""
    used = {step.point for step in proof.schedule.steps if isinstance(step, Grant)}
    return SavedSchedule(
        format=FORMAT,
        id=proof.schedule_id,
        location=location,
        build=build,
        scenario=proof.scenario,
        schedule=proof.schedule,
        expected=proof.verdict.observed,
        rule=finding.rule,
        deadlock=proof.verdict.deadlock,
        replayed=f"{proof.trials.violated}/{proof.trials.total}",
        points=tuple(
            (p.identity, str(p.span) if p.span.file else p.operation) for p in points if p.identity in used
        ),
    )


def filed(store: Store, schedule: SavedSchedule) -> NotTested | None:
    """Write a schedule file; give what is missing where that fails: a finding is one all the same."""
    try:
        store.save_schedule(schedule)
    except DeadheatError as error:
        return NotTested(f"replaying {schedule.id}", f"its file is not there: {error}")
    return None


def _runs(order: str) -> str:
    """Count runs of one letter: `AAAB` is `A3B`."""
    result, index = "", 0
    while index < len(order):
        end = index
        while end < len(order) and order[end] == order[index]:
            end += 1
        result += order[index] + (str(end - index) if end - index > 1 else "")
        index = end
    return result
