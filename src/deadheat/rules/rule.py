"""What a rule is.

Owns the shape of a rule: its identity, its text, its examples (which are its tests, and from
which documentation, `explain` and SARIF help are made) and the function that finds it.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from deadheat.model import Confidence, Finding, Fix, Impact, Severity
from deadheat.rules.context import Context


class Example(Struct, frozen=True):
    """A small Rust program and what there is to see in it."""

    title: str
    source: str


class Rule(Struct, frozen=True):
    """One pattern. `name` reads as "allow ⟨name⟩"; `code` never changes once published."""

    code: str
    name: str
    title: str
    cwe: tuple[int, ...]
    severity: Severity
    confidence: Confidence
    impact: tuple[Impact, ...]
    summary: str
    explanation: str
    invalid: tuple[Example, ...]
    valid: tuple[Example, ...]
    fixes: tuple[Fix, ...]
    check: "Callable[[Rule, Context], Iterable[Finding]]"


def never(rule: Rule, context: Context) -> Iterable[Finding]:
    """The check of a rule that only an exploration can find: nothing in the source tells."""
    return ()
