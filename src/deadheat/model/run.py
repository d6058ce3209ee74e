"""A run: everything one command found, and first of all what it could not test."""

from msgspec import Struct

from deadheat.model.attack import Attack
from deadheat.model.finding import Finding, Interval, Suppressed
from deadheat.model.rule import RuleInfo
from deadheat.model.source import Review


class Tool(Struct, frozen=True):
    """Which Deadheat made this run."""

    name: str = "deadheat"
    version: str = "0"


class NotTested(Struct, frozen=True):
    """Something a pass says nothing about, why, and the mend (a `deadheat.toml` stub, say)."""

    what: str
    why: str
    mend: str = ""


class Tally(Struct, frozen=True):
    """What one search strategy contributed to an exploration.

    `first` is the number of its first violating schedule, from 1; 0 without one. Where schedules were
    `sampled`, `rate` is the 95 % interval of the share that violates. `chance` is how probable it is at
    least that one schedule shows a given defect of `depth`, `missed` how probable it is at most that all
    of them missed one that is there: 0 and 1 for strategies that promise nothing.
    `complete` says that this strategy alone covered every order.
    """

    strategy: str
    schedules: int
    violating: int
    first: int = 0
    sampled: bool = False
    rate: Interval | None = None
    depth: int = 0
    chance: float = 0.0
    missed: float = 1.0
    complete: bool = False


class Exploration(Struct, frozen=True):
    """How far one scenario was explored: this is the bound of any claim made from it.

    `complete` is True when every order of the probed steps was covered (up to the equivalence
    the search uses, `search` names it); `points` is the most steps one schedule had; `masked`
    lists what was not compared and why. `bound` is the number of preemptions up to which every order was
    run, None where no such claim is made; `strategies` says what each search contributed; `merged` is what
    orders may differ in and count once.
    """

    scenario: str
    requests: int
    handlers: tuple[str, ...]
    schedules: int
    violating: int
    complete: bool
    seconds: float
    search: str = "source-DPOR with sleep sets"
    verdict: str = "ok"
    masked: tuple[str, ...] = ()
    reason: str = ""
    points: int = 0
    bound: int | None = None
    strategies: tuple[Tally, ...] = ()
    merged: tuple[str, ...] = ("steps that cannot affect each other",)


class Coverage(Struct, frozen=True):
    """What was looked at, counted."""

    files: int = 0
    lines: int = 0
    handlers: int = 0
    handlers_exercised: int = 0
    probes_placed: int = 0
    probes_dropped: int = 0
    schedules: int = 0
    seconds: float = 0.0
    explorations: tuple[Exploration, ...] = ()
    attacks: tuple[Attack, ...] = ()


class Run(Struct, frozen=True):
    """The result of one command, ready for any report.

    `dynamic` says that requests were to be raced, and not only the source to be read. `rules` are
    those that were applied; `suppressed` what they found and somebody accepts; `notes` are sentences
    about the run as a whole (a baseline that has grown old, what a comparison leaves out); `root` is
    what stands before the paths of spans in the repository, empty or ending in `/`.

    `sources` holds the text of the files that the findings point at, so that a report can show
    excerpts without opening anything.
    """

    tool: Tool
    target: str
    seed: int = 0
    findings: tuple[Finding, ...] = ()
    review: Review = Review()
    coverage: Coverage = Coverage()
    not_tested: tuple[NotTested, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    interrupted: bool = False
    dynamic: bool = False
    rules: tuple[RuleInfo, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    notes: tuple[str, ...] = ()
    root: str = ""
