"""DH200: an exploration ended with requests that wait for locks for ever, and no rule foresaw it."""

from deadheat.model import Confidence, Fix, Impact, Safety, Severity
from deadheat.rules.rule import Rule, never

RULE = Rule(
    code="DH200",
    name="deadlock",
    title="deadlock",
    cwe=(833,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="Requests wait for locks that are never released, and everything that needs those waits too.",
    explanation="""\
Nothing in the source was suspected; it was seen when every order of the requests was tried. In one of them
each request holds what another needs, or waits for what it holds itself:

    A: takes the first lock
    B: takes the second lock
    A: waits for the second, which B holds
    B: waits for the first, which A holds

None of them ever answers, and neither does any later request that needs one of these locks. The report names
who holds what and waits for what.""",
    invalid=(),
    valid=(),
    fixes=(
        Fix(
            "acquire the locks in one order everywhere, and let go of one before waiting for itself",
            Safety.UNSAFE,
            "a cycle of waiting requests is then impossible",
        ),
    ),
    check=never,
)
