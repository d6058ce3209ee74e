"""Which finding does a violating schedule prove?

Owns the bridge between the static and the dynamic half. A schedule proves a window when one
request reached the check, another touched the state, and the first went on to the act; it
proves a lock finding when the requests that wait are the finding's, on its locks.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from deadheat.engine.target import Observed
from deadheat.io.hold import ProbedStep
from deadheat.model import (
    Access,
    AccessKind,
    Event,
    EventKind,
    Finding,
    History,
    Point,
    Scenario,
    Span,
    Violation,
)

UNLINKED = "unlinked"
DEADLOCK = "unlinked deadlock"

# One request waits for what it holds itself; several wait for each other.
_REENTRIES = frozenset({"same-lock-re-entry", "rwlock-upgrade-while-reading", "map-reference-held"})
_INVERSIONS = frozenset({"lock-order-inversion", "request-ordered-locks"})


class Linker:
    """Names the findings that an execution of one scenario proves."""

    def __init__(self, findings: Sequence[Finding], points: Mapping[int, Point], scenario: Scenario) -> None:
        """Know the suspected findings, the probes, and who the actors are."""
        self._handlers = tuple(racer.handler or "" for racer in scenario.racers)
        self._points = points
        present = set(self._handlers)
        # A finding of no handler is in code that runs for every request (a fairing).
        self._findings = [f for f in findings if not f.handlers or present & set(f.handlers)]
        self._windows = {
            f.fingerprint: (point_of(f.window.check, points), point_of(f.window.act, points))
            for f in self._findings
            if f.window is not None
        }

    @property
    def suspects(self) -> frozenset[int]:
        """The resources that the suspected windows begin and end on; not those that nobody names."""
        ends = (point for window in self._windows.values() for point in window if point is not None)
        return frozenset(point.resource for point in ends if point.resource)

    def proved(self, observed: Observed, violation: Violation) -> tuple[str, ...]:
        """Give the fingerprints of the findings proved, or the name of the unlinked class."""
        if violation.deadlock:
            names = tuple(f.fingerprint for f in self._findings if self._is_deadlock(f, observed))
            return names or (DEADLOCK,)
        steps = observed.execution.steps
        for loosely in (False, True):
            names = tuple(f.fingerprint for f in self._findings if self._is_split(f, steps, loosely))
            if names:
                return names
        return (UNLINKED,)

    def _is_split(self, finding: Finding, steps: Sequence[ProbedStep], loosely: bool) -> bool:
        """Whether another request got in between the finding's check and its act.

        A check may have several acts that rely on it, in branches, and a finding names one of them:
        `loosely`, any later change that the same request makes to the checked state is its act.
        """
        check, act = self._windows.get(finding.fingerprint, (None, None))
        if check is None or act is None:
            return False
        for actor, handler in enumerate(self._handlers):
            if finding.handlers and handler not in finding.handlers:
                continue
            mine = [(i, step.point) for i, step in enumerate(steps) if step.actor == actor]
            for (start, first), (end, second) in _pairs(mine):
                acts = second == act.id or (loosely and self._changes(steps[end], check.state))
                if first == check.id and acts and self._disturbed(steps, start, end):
                    return True
        return False

    def _changes(self, step: ProbedStep, state: str | None) -> bool:
        return self._state(step) == state and step.before is not None and step.before != step.after

    def _disturbed(self, steps: Sequence[ProbedStep], start: int, end: int) -> bool:
        """Whether another request touched the state of the check in between.

        What a transaction changed before counts as well where it is committed only after the check.
        """
        state = self._state(steps[start])
        writers = {step.actor for step in steps[:end] if self._state(step) == state and self._writes(step)}
        others = writers - {steps[start].actor}
        if any(step.actor in others and self._commits(step) for step in steps[start + 1 :]):
            return True
        return any(
            step.actor != steps[start].actor
            and self._state(step) == state
            and (step.before is None or step.before != step.after)
            for step in steps[start + 1 : end]
        )

    def _writes(self, step: ProbedStep) -> bool:
        point = self._points.get(step.point)
        return point is not None and point.effect is not AccessKind.READ

    def _commits(self, step: ProbedStep) -> bool:
        point = self._points.get(step.point)
        return point is not None and point.operation == "COMMIT"

    def _is_deadlock(self, finding: Finding, observed: Observed) -> bool:
        waiting = dict(held_and_wanted(observed))
        selfish = any(actor in holders for actor, (_, holders) in waiting.items())
        handlers = {self._handlers[actor] for actor in waiting}
        states = {self._points[point].state for point, _ in waiting.values() if point in self._points}
        if finding.rule in _REENTRIES:
            return selfish and finding.state.id in states and bool(handlers & set(finding.handlers))
        if finding.rule in _INVERSIONS:
            return not selfish and handlers <= set(finding.handlers)
        return False

    def _state(self, step: ProbedStep) -> str | None:
        point = self._points.get(step.point)
        return point.state if point else None


def point_of(access: Access, points: Mapping[int, Point]) -> Point | None:
    """Give the probe whose step performs the access: the nearest before it, on its state."""
    ahead = [
        point
        for point in points.values()
        if point.state == access.state and _starts_before(point.span, access.home)
    ]
    return max(ahead, key=lambda point: point.span, default=None)


def as_it_happened(finding: Finding, history: History, points: Mapping[int, Point]) -> Finding:
    """The finding with the act that was seen, where its check has several and it named another."""
    if finding.window is None:
        return finding
    check, act = (point_of(end, points) for end in (finding.window.check, finding.window.act))
    steps = [event for event in history.events if event.kind is EventKind.STEP]
    if check is None or act is None or any(event.point == act.identity for event in steps):
        return finding
    for index, first in enumerate(steps):
        if first.point != check.identity:
            continue
        for later in steps[index + 1 :]:
            changed = later.before is not None and later.before != later.after
            if later.actor == first.actor and later.state == first.state and changed and later.span:
                seen = msgspec.structs.replace(finding.window.act, span=later.span, via=(), inside=None)
                return msgspec.structs.replace(
                    finding,
                    window=msgspec.structs.replace(finding.window, act=seen),
                    location=later.span,
                    message=f"{finding.message} In the order that was forced the act is in line"
                    f" {later.span.start_line}.",
                )
    return finding


def with_roles(history: History, finding: Finding, points: Mapping[int, Point]) -> History:
    """Mark the steps that are the finding's check and act, with what the source says they do."""
    if finding.window is None:
        return history
    ends = (("check", finding.window.check), ("act", finding.window.act))
    roles = {
        point.identity: (role, access.kind)
        for role, access in ends
        if (point := point_of(access, points)) is not None
    }

    def marked(event: Event) -> Event:
        if event.kind is not EventKind.STEP or event.point not in roles:
            return event
        role, kind = roles[event.point]
        return msgspec.structs.replace(event, role=role, access=kind)

    return msgspec.structs.replace(history, events=tuple(marked(event) for event in history.events))


def held_and_wanted(observed: Observed) -> Iterable[tuple[int, tuple[int, frozenset[int]]]]:
    """Give, for each waiting actor, the probe it waits at and who has been on that lock last."""
    steps = observed.execution.steps
    for actor, op in observed.execution.trace.pending:
        point = observed.execution.pending_points.get(actor, 0)
        holders: frozenset[int] = frozenset()
        for step in reversed(steps):
            same_place = op.place and step.place == op.place
            if same_place or (not op.place and step.point == point):
                holders = frozenset({step.actor})
                break
        yield actor, (point, holders)


def _pairs(
    mine: Sequence[tuple[int, int]],
) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    for index, first in enumerate(mine):
        for second in mine[index + 1 :]:
            yield first, second


def _starts_before(point: Span, access: Span) -> bool:
    """Whether the probed call begins before, or within, the access."""
    return point.file == access.file and (
        (
            (point.start_line, point.start_column) <= (access.end_line, access.end_column)
            and (point.start_line, point.start_column) <= (access.start_line, access.start_column)
        )
        or (
            (access.start_line, access.start_column)
            <= (point.start_line, point.start_column)
            < (access.end_line, access.end_column)
        )
    )
