"""A rule as reports need it: its identity and its text, as plain data."""

from msgspec import Struct

from deadheat.model.finding import Confidence, Fix, Impact, Severity


class RuleInfo(Struct, frozen=True):
    """What a rule says of itself; `page` is its documentation in Markdown."""

    code: str
    name: str
    title: str
    summary: str
    explanation: str
    severity: Severity
    confidence: Confidence
    cwe: tuple[int, ...] = ()
    impact: tuple[Impact, ...] = ()
    fixes: tuple[Fix, ...] = ()
    page: str = ""
