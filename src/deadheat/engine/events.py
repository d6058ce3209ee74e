"""What the engine says while it works: typed, for progress, reports and storage to listen to."""

from msgspec import Struct

from deadheat.model import Attack, Exploration, Finding, NotTested, Scenario


class Reviewed(Struct, frozen=True, tag=True):
    """The source has been read."""

    files: int
    lines: int
    handlers: int
    states: int
    suspected: int


class Building(Struct, frozen=True, tag=True):
    """Cargo is at work: `done` of `total` crates, 0 when it has not said."""

    what: str
    done: int = 0
    total: int = 0


class Built(Struct, frozen=True, tag=True):
    """The probed copy is there."""

    placed: int
    dropped: int
    cached: bool
    seconds: float


class Started(Struct, frozen=True, tag=True):
    """The application answers."""

    port: int
    restarts: int


class Exploring(Struct, frozen=True, tag=True):
    """A scenario is being explored; said at its start and every so often."""

    scenario: Scenario
    number: int
    of: int
    schedules: int
    violating: int
    seconds: float


class Explored(Struct, frozen=True, tag=True):
    """A scenario is finished with."""

    exploration: Exploration


class Replaying(Struct, frozen=True, tag=True):
    """A violating schedule is being run again."""

    schedule_id: str
    violated: int
    done: int
    of: int


class Forced(Struct, frozen=True, tag=True):
    """A finding has been proved."""

    finding: Finding


class Attacking(Struct, frozen=True, tag=True):
    """A scenario is being attacked: the phase, rounds and violations so far, requests sent of allowed."""

    scenario: str
    phase: str
    rounds: int
    violating: int
    requests: int
    budget: int


class Attacked(Struct, frozen=True, tag=True):
    """A scenario has been attacked."""

    attack: Attack


class Skipped(Struct, frozen=True, tag=True):
    """Something will not be tested."""

    not_tested: NotTested


Event = (
    Reviewed
    | Building
    | Built
    | Started
    | Exploring
    | Explored
    | Replaying
    | Forced
    | Attacking
    | Attacked
    | Skipped
)
