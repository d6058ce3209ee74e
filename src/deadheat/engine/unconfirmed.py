"""What an exploration that showed nothing says about a suspicion.

Owns how far trust in a finding sinks. It must not know how orders are explored.
"""

from collections.abc import Container, Iterable

import msgspec

from deadheat.model import Confidence, Exploration, Finding, Proof

_ROWS = "DH4"
_EXPLORABLE = ("DH1", "DH20", _ROWS)
"""Codes of what an exploration can refute: wrong outcomes and deadlocks, not long waits."""


def lowered(finding: Finding, explorations: Iterable[Exploration], observed: Container[str] = ()) -> Finding:
    """Lower what every order of every planned group failed to confirm; the rest stays as it is.

    `observed` names the scenarios after which requests looked at the state: rows are shown by nothing else,
    and a lost update shows in no answer.
    """
    if finding.proof is Proof.FORCED or not finding.code.startswith(_EXPLORABLE):
        return finding
    mine = [e for e in explorations if set(e.handlers) & set(finding.handlers)]
    tried = {handler for e in mine for handler in e.handlers}
    if (
        not mine
        or not set(finding.handlers) <= tried
        or not all(e.complete and not e.violating for e in mine)
        or (finding.code.startswith(_ROWS) and not all(e.scenario in observed for e in mine))
    ):
        return finding
    sizes = " and ".join(str(n) for n in sorted({e.requests for e in mine}))
    return msgspec.structs.replace(
        finding,
        confidence=Confidence.LOW,
        message=f"{finding.message} (All orders of {sizes} requests were explored, and none showed it within"
        " that bound.)",
    )
