"""DH100: an exploration showed an outcome that no sequential order gives, and no rule foresaw it."""

from deadheat.model import Confidence, Fix, Impact, Safety, Severity
from deadheat.rules.rule import Rule, never

RULE = Rule(
    code="DH100",
    name="non-serializable-outcome",
    title="non-serializable outcome",
    cwe=(362,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="Requests served at once gave answers or left a state that no order, one by one, gives.",
    explanation="""\
Nothing in the source was suspected; it was seen when every order of the requests was tried. Each request
by itself, and all of them one after the other in any order, behave. Interleaved, they give answers, or
leave a state, that no sequential order explains:

    one by one        A, then B  gives 1, 2      B, then A  gives 2, 1
    interleaved       2, 2

Something the requests rely on changes between two of their steps. The interleaving in the report shows the
steps in order, with the values read and written; the first value marked in it is where the requests part
from every sequential order.""",
    invalid=(),
    valid=(),
    fixes=(
        Fix(
            "make the steps that belong together one critical section, or one atomic operation",
            Safety.UNSAFE,
            "no other request can then get in between them",
            "the lock is held longer",
        ),
    ),
    check=never,
)
