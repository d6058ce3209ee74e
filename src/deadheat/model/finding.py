"""Findings: three independent axes (severity, confidence, proof) and the evidence behind them."""

from enum import StrEnum

from msgspec import Struct

from deadheat.model.history import History
from deadheat.model.scenario import Scenario
from deadheat.model.schedule import Schedule
from deadheat.model.source import SharedState, Window
from deadheat.model.span import Span
from deadheat.model.verdict import Violation


class Severity(StrEnum):
    """How bad it is if it is real, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst; compare ranks, not names."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure the review is that it is real, surest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the surest; compare ranks, not names."""
        return list(Confidence).index(self)


class Proof(StrEnum):
    """What was shown of it: read in the source, seen in timed trials, made to happen at will."""

    SUSPECTED = "suspected"
    OBSERVED = "observed"
    FORCED = "forced"


class Impact(StrEnum):
    """What it does to the application."""

    DATA_CORRUPTION = "data-corruption"
    INCONSISTENT_STATE = "inconsistent-state"
    AUTHORIZATION_BYPASS = "authorization-bypass"
    DENIAL_OF_SERVICE = "denial-of-service"


class Safety(StrEnum):
    """Whether a fix can be applied without a person reading it."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Interval(Struct, frozen=True):
    """A confidence interval of a proportion, both ends in [0, 1]."""

    low: float
    high: float


class Trials(Struct, frozen=True):
    """`violated` of `total` trials, with the Wilson 95 % interval."""

    violated: int
    total: int
    interval: Interval


class Shrunk(Struct, frozen=True):
    """What became of the requests of a witness when everything that does not matter was left out of them.

    Bytes before and after, over all requests: of their queries, headers and bodies. `runs` executions and
    `seconds` were spent on it; `untried` changes were left when one of the two was used up; `kept` says
    in words what was not touched at all.
    """

    query: tuple[int, int]
    headers: tuple[int, int]
    body: tuple[int, int]
    runs: int
    seconds: float
    untried: int = 0
    kept: tuple[str, ...] = ()

    @property
    def smaller(self) -> bool:
        """Whether anything could be left out."""
        return any(after < before for before, after in (self.query, self.headers, self.body))


class Evidence(Struct, frozen=True):
    """What makes a finding more than a suspicion.

    `schedule_id` is the short name that `deadheat replay` takes; `serial_controls` counts the
    sequential runs that behaved, `explored` the schedules run and `violating` those among them
    that violate. `again` is the command that repeats it where there is no schedule to replay. `shrunk`
    says how much smaller its requests are than those the orders were explored with.
    """

    scenario: Scenario
    schedule: Schedule
    schedule_id: str
    history: History
    verdict: Violation
    trials: Trials
    serial_controls: int = 0
    explored: int = 0
    violating: int = 0
    again: str = ""
    shrunk: Shrunk | None = None


class Fix(Struct, frozen=True):
    """A way to mend it: what to do, why it works, what it costs, whether it is safe to apply."""

    title: str
    safety: Safety
    argument: str = ""
    cost: str = ""


class Finding(Struct, frozen=True):
    """One root cause.

    `handlers` are the ids of those that collide; `location` is the act; `fingerprint`
    identifies the finding across edits (rule, function, access path, shape; never a line).
    """

    rule: str
    code: str
    title: str
    severity: Severity
    confidence: Confidence
    state: SharedState
    handlers: tuple[str, ...]
    location: Span
    message: str
    fingerprint: str
    proof: Proof = Proof.SUSPECTED
    cwe: tuple[int, ...] = ()
    impact: tuple[Impact, ...] = ()
    window: Window | None = None
    related: tuple[tuple[Span, str], ...] = ()
    evidence: Evidence | None = None
    fixes: tuple[Fix, ...] = ()


class Acceptance(StrEnum):
    """Who says that a finding is not to be reported."""

    COMMENT = "comment"
    BASELINE = "baseline"


class Suppressed(Struct, frozen=True):
    """A finding that somebody looked at and accepts, and the reason they gave."""

    finding: Finding
    by: Acceptance
    reason: str = ""
