"""What happened: events at probes, operations from call to return, snapshots of state."""

from enum import StrEnum

from msgspec import Struct

from deadheat.model.http import Request, Response
from deadheat.model.source import AccessKind
from deadheat.model.span import Span


class EventKind(StrEnum):
    """What an actor did or what happened to it."""

    SEND = "send"
    STEP = "step"
    BLOCKED = "blocked"
    ANSWER = "answer"
    CRASH = "crash"


class Event(Struct, frozen=True):
    """One event of a history.

    `seq` orders all events of the history; `t` is in milliseconds from the first one; `actor`
    is the racer's index. A step names the access it performs and, when the probes can see the
    state, its value `before` and `after` the step. `role` is "check" or "act" for the two ends
    of a finding's window.
    """

    seq: int
    t: float
    actor: int
    kind: EventKind
    span: Span | None = None
    state: str | None = None
    access: AccessKind | None = None
    before: str | None = None
    after: str | None = None
    point: str | None = None
    text: str = ""
    role: str | None = None


class Operation(Struct, frozen=True):
    """A request from call to return; times are event sequence numbers.

    `returned` and `output` are None for an indeterminate operation: one that never answered
    and may have taken effect at any moment after its call, or not at all.
    """

    id: int
    actor: int
    input: Request
    call: int
    returned: int | None
    output: Response | None


class Snapshot(Struct, frozen=True):
    """State as it was observed once every request was final: (state or probe, value) pairs."""

    values: tuple[tuple[str, str], ...] = ()


class History(Struct, frozen=True):
    """Everything observed in one execution.

    `stuck` lists the actors that can never go on: each waits for a lock that another of them,
    or it itself, holds. `diverged` says in words where the execution left the schedule it was
    asked to follow, None when it did not; `failure` why it could not be observed to its end.
    """

    operations: tuple[Operation, ...] = ()
    events: tuple[Event, ...] = ()
    snapshot: Snapshot = Snapshot()
    stuck: tuple[int, ...] = ()
    diverged: str | None = None
    failure: str | None = None
