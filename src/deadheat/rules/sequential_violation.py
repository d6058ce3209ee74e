"""DH501: an invariant breaks without any overlap: a logic bug, and no race."""

from deadheat.model import Confidence, Fix, Impact, Safety, Severity
from deadheat.rules.rule import Rule, never

RULE = Rule(
    code="DH501",
    name="sequential-violation",
    title="invariant broken by requests one after the other",
    cwe=(840,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="An invariant does not even hold when requests come one after the other: no race is needed.",
    explanation="""\
Before anything is raced, the same requests are sent one after the other. Here the invariant was broken
already:

    A, then B         200, 200                 successes <= 1

The second redeem of a single-use code succeeds although the first was answered long before. That is a bug
in the application's logic, or an invariant that says too much. Either way a race could not be told from it,
so nothing was raced.""",
    invalid=(),
    valid=(),
    fixes=(
        Fix(
            "mend the logic, or the invariant; then attack again",
            Safety.UNSAFE,
            "a race can be seen only against sequential runs that behave",
        ),
    ),
    check=never,
)
