"""DH500: an invariant that the user or a recipe states broke when requests overlapped."""

from deadheat.model import Confidence, Fix, Impact, Safety, Severity
from deadheat.rules.rule import Rule, never

RULE = Rule(
    code="DH500",
    name="invariant-violation",
    title="invariant broken by overlapping requests",
    cwe=(362,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="What holds when requests come one after the other does not when they come at once.",
    explanation="""\
An invariant says what must be true of every run: at most one success for a code that is good once, a sum
that stays the same, a stock that is never negative. It held in every sequential run; released together, the
same requests broke it:

    one by one        200, 409                 successes <= 1
    at once           200, 200                 two successes

The requests check something and act on it later, and in between another request gets past the same check.
The report shows how often it happened. That number depends on machine and load: a race that is hit once in
a hundred releases is the same defect as one that is hit each time.""",
    invalid=(),
    valid=(),
    fixes=(
        Fix(
            "check and act in one step: a conditional update that tells whether it changed anything, a unique"
            " constraint, or one critical section",
            Safety.UNSAFE,
            "whoever comes second then finds the check already decided",
            "requests for the same thing wait for each other",
        ),
    ),
    check=never,
)
