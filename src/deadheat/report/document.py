"""The JSON document: its types, which are its schema too.

Owns the contract with programs that read `--format json`. A field is documented once, here, and the
published JSON Schema is drawn from these types, so the two cannot disagree. It must not know the model:
`json` fills it in.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from deadheat.model import Confidence, Impact, Proof, Safety, Severity, StateKind

Count = Annotated[int, Meta(ge=0)]
Line = Annotated[int, Meta(ge=1, description="1-based")]


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document; nothing but the named fields."""


class ToolPart(Closed, frozen=True):
    """Which Deadheat made this."""

    name: str
    version: str


class SpanPart(Closed, frozen=True):
    """A stretch of a file: 1-based lines and columns (in characters), the end exclusive."""

    file: Annotated[str, Meta(description="relative to the project, POSIX")]
    start_line: Line
    start_column: Line
    end_line: Line
    end_column: Line


class StatePart(Closed, frozen=True):
    """The raced state, by the name people give it (`ActiveUsers.count`)."""

    kind: StateKind
    path: str


class HandlerPart(Closed, frozen=True):
    """A handler that takes part: its function, and the endpoint it serves (`GET /increment`)."""

    id: Annotated[str, Meta(description="crate::module::function")]
    endpoint: Annotated[str, Meta(description="METHOD /route; the id where the route is unknown")]


class WindowPart(Closed, frozen=True):
    """From the check to the act that relies on it; `awaits` counts the `.await` points between."""

    check: SpanPart
    act: SpanPart
    awaits: Count


class TrialsPart(Closed, frozen=True):
    """`violated` of `total` trials, with the Wilson 95 % interval of the proportion."""

    violated: Count
    total: Count
    interval: Annotated[tuple[float, float], Meta(description="[low, high], both in [0, 1]")]


class OutcomePart(Closed, frozen=True):
    """What clients can tell of an execution: an answer per request, and the state observed after."""

    responses: tuple[str, ...]
    state: Mapping[str, str]


class SerialOutcomePart(Closed, frozen=True):
    """The outcome of one order of whole requests (`order`: indices of requests, 0-based)."""

    order: tuple[Count, ...]
    responses: tuple[str, ...]
    state: Mapping[str, str]


class ShrunkPart(Closed, frozen=True):
    """What was left out of the requests: bytes over all of them, before and after.

    `untried`: changes that were left when the budget of `runs` executions and `seconds` was used up;
    `kept`: what was not touched.
    """

    query: tuple[Count, Count]
    headers: tuple[Count, Count]
    body: tuple[Count, Count]
    runs: Count
    seconds: float
    untried: Count
    kept: tuple[str, ...]


class EvidencePart(Closed, frozen=True):
    """What makes the finding more than a suspicion; `***1`, `***2` stand for secrets."""

    trials: TrialsPart
    schedule: Annotated[str, Meta(description="what `deadheat replay` takes; empty for a timed attack")]
    again: Annotated[str, Meta(description="the command that repeats a timed attack")]
    serial_outcomes: tuple[SerialOutcomePart, ...]
    observed_outcome: OutcomePart
    shrunk: ShrunkPart | None


class FixPart(Closed, frozen=True):
    """A way to mend it; `safe` ones can be applied without a person reading them."""

    title: str
    safety: Safety
    argument: str
    cost: str


class FindingPart(Closed, frozen=True):
    """One root cause. `location` is the act; `fingerprint` identifies it across edits."""

    rule: str
    code: str
    title: str
    severity: Severity
    confidence: Confidence
    proof: Proof
    cwe: tuple[int, ...]
    impact: tuple[Impact, ...]
    state: StatePart
    handlers: tuple[HandlerPart, ...]
    location: SpanPart
    window: WindowPart | None
    related: tuple[SpanPart, ...]
    message: str
    fingerprint: str
    evidence: EvidencePart | None
    fixes: tuple[FixPart, ...]


class InventoryRow(Closed, frozen=True):
    """One access: shared state × handler × what it does × under which locks."""

    state: str
    kind: StateKind | None
    handler: str
    endpoint: str
    access: str
    operation: str
    location: SpanPart
    locks: tuple[str, ...]
    transaction: str | None


class InventoryPart(Closed, frozen=True):
    """What the review of the source knows."""

    handlers: tuple[HandlerPart, ...]
    states: tuple[StatePart, ...]
    accesses: tuple[InventoryRow, ...]


class TallyPart(Closed, frozen=True):
    """What one search strategy contributed: `first` is its first violating schedule, from 1, 0 without one.

    `rate`: the Wilson 95 % interval of the share that violates, of samplers. `chance`: how probable it is
    at least that one schedule shows a given race of `depth`; `missed`: how probable it is at most that
    none of them showed one that is there. 0 and 1 where nothing is promised. `complete`: this strategy
    alone covered every order.
    """

    strategy: str
    sampled: bool
    schedules: Count
    violating: Count
    first: Count
    rate: tuple[float, float] | None
    depth: Count
    chance: float
    missed: float
    complete: bool


class ExplorationPart(Closed, frozen=True):
    """How far one scenario was explored. `complete`: every order of the probed steps was covered.

    `bound`: the number of preemptions up to which every order was run; null where that is not claimed.
    """

    scenario: str
    requests: Count
    handlers: tuple[HandlerPart, ...]
    schedules: Count
    violating: Count
    complete: bool
    verdict: str
    reason: str
    search: str
    masked: tuple[str, ...]
    points: Count
    seconds: float
    bound: Count | None
    strategies: tuple[TallyPart, ...]


class NullPart(Closed, frozen=True):
    """Why seeing nothing says little, and what to do about it."""

    name: str
    words: str
    mend: str


class GroupPart(Closed, frozen=True):
    """Answers alike but for what is volatile; `odd`: no sequential run gave it, `diff` to the nearest."""

    text: str
    count: Count
    odd: bool
    diff: tuple[str, ...]


class MutationPart(Closed, frozen=True):
    """A family of mutated racers: how many were tried, how many of them violate."""

    family: str
    tried: Count
    violating: Count


class AttackPart(Closed, frozen=True):
    """A scenario attacked by timing. `verdict`: violation, logic, none-seen or unknown.

    `overlap` is the share of pairs of racers that were out at once, `spread` in seconds, `ruled_out` the
    share of violating rounds that the clean ones exclude at 95 %.
    """

    scenario: str
    racers: tuple[str, ...]
    verdict: str
    rounds: Count
    violating: Count
    interval: tuple[float, float] | None
    likelihood: str
    holds: Count
    forced: Count
    requests: Count
    seconds: float
    plan: str
    because: str
    spread: float
    overlap: float
    in_flight: Count
    offsets: tuple[float, ...]
    controls: Count
    orders: Count
    oracles: tuple[str, ...]
    masked: tuple[str, ...]
    indeterminate: Count
    refused: Count
    nulls: tuple[NullPart, ...]
    groups: tuple[GroupPart, ...]
    mutations: tuple[MutationPart, ...]
    cores: Count
    free_cores: float | None
    ruled_out: float | None
    stopped: str


class SkippedPart(Closed, frozen=True):
    """A file that could not be read, and why."""

    file: str
    reason: str


class CoveragePart(Closed, frozen=True):
    """What was looked at. `interrupted`: the run was ended early, the rest is not tested."""

    files: Count
    lines: Count
    handlers: Count
    handlers_exercised: Count
    probes_placed: Count
    probes_dropped: Count
    schedules: Count
    seconds: float
    explorations: tuple[ExplorationPart, ...]
    attacks: tuple[AttackPart, ...]
    skipped: tuple[SkippedPart, ...]
    interrupted: bool


class NotTestedPart(Closed, frozen=True):
    """Something a clean result says nothing about, why, and how to have it tested."""

    what: str
    why: str
    mend: str


class Document(Closed, frozen=True):
    """One run of Deadheat."""

    tool: ToolPart
    target: str
    seed: int
    findings: tuple[FindingPart, ...]
    inventory: InventoryPart
    coverage: CoveragePart
    not_tested: tuple[NotTestedPart, ...]
