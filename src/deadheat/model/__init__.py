"""The vocabulary every part of Deadheat speaks.

Owns the values that travel along the one flow (source → accesses → windows → scenarios →
schedules → histories → verdicts → evidence → findings → reports). It must not know who makes
or reads them: nothing here imports another part of Deadheat, and every value is frozen.
"""

from deadheat.model.attack import Attack, Group, Null
from deadheat.model.config import Config
from deadheat.model.errors import DeadheatError, ProjectError, TargetError
from deadheat.model.finding import (
    Acceptance,
    Confidence,
    Evidence,
    Finding,
    Fix,
    Impact,
    Interval,
    Proof,
    Safety,
    Severity,
    Shrunk,
    Suppressed,
    Trials,
)
from deadheat.model.history import Event, EventKind, History, Operation, Snapshot
from deadheat.model.http import MESSAGE, Request, Response
from deadheat.model.point import Point
from deadheat.model.release import Gate, Origin, Round, Shot, TargetFacts, Version
from deadheat.model.rule import RuleInfo
from deadheat.model.run import Coverage, Exploration, NotTested, Run, Tally, Tool
from deadheat.model.scenario import Racer, Reset, Scenario
from deadheat.model.schedule import Grant, Release, Schedule, Step, Wait
from deadheat.model.setting import (
    CommandProbe,
    Extract,
    Preparation,
    Principal,
    Setting,
    Source,
    SqlProbe,
    Target,
)
from deadheat.model.site import Site, SiteKind
from deadheat.model.source import (
    Access,
    AccessKind,
    Guard,
    Handler,
    Parameter,
    ParameterKind,
    Review,
    SharedState,
    StateKind,
    Under,
    Window,
)
from deadheat.model.span import Span
from deadheat.model.verdict import Ok, Outcome, SerialOutcome, Unknown, Verdict, Violation

__all__ = [
    "MESSAGE", "Acceptance", "Access", "AccessKind", "Attack", "CommandProbe", "Confidence", "Config",
    "Coverage", "DeadheatError", "Event", "EventKind", "Evidence", "Exploration", "Extract", "Finding",
    "Fix", "Gate", "Grant", "Group", "Guard", "Handler", "History", "Impact", "Interval", "NotTested",
    "Null", "Ok", "Operation", "Origin", "Outcome", "Parameter", "ParameterKind", "Point", "Preparation",
    "Principal", "ProjectError", "Proof", "Racer", "Release", "Request", "Reset", "Response", "Review",
    "Round", "RuleInfo", "Run", "Safety", "Scenario", "Schedule", "SerialOutcome", "Setting", "Severity",
    "SharedState", "Shot", "Shrunk", "Site", "SiteKind", "Snapshot", "Source", "Span", "SqlProbe",
    "StateKind", "Step", "Suppressed", "Tally", "Target", "TargetError", "TargetFacts", "Tool", "Trials",
    "Under", "Unknown", "Verdict", "Version", "Violation", "Wait", "Window",
]  # fmt: skip
