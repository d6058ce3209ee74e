"""The rules: event graphs → suspected findings.

`check(program)` gives the findings, one per root cause, worst and surest first. `RULES` is the
metadata by name, from which documentation and `explain` are made. A new rule is one file, named
after the rule, and one line here.
"""

from deadheat.model import Finding
from deadheat.rules import (
    atomic_load_then_store,
    check_then_act,
    deadlock,
    lock_gap_read_modify_write,
    lock_order_inversion,
    non_serializable_outcome,
    response_re_read,
    same_lock_re_entry,
)
from deadheat.rules.context import Context, merged
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Program

_ALL: tuple[Rule, ...] = (
    non_serializable_outcome.RULE,
    check_then_act.RULE,
    lock_gap_read_modify_write.RULE,
    response_re_read.RULE,
    atomic_load_then_store.RULE,
    deadlock.RULE,
    same_lock_re_entry.RULE,
    lock_order_inversion.RULE,
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}


def check(program: Program) -> tuple[Finding, ...]:
    """Every suspected finding of a program."""
    context = Context(program)
    return merged(finding for rule in _ALL for finding in rule.check(rule, context))


def rule_of(name: str) -> Rule | None:
    """The rule with this name or code, in any case; None when there is none."""
    wanted = name.strip().lower()
    return RULES.get(wanted) or next((rule for rule in _ALL if rule.code.lower() == wanted), None)


__all__ = ["RULES", "Example", "Rule", "check", "rule_of"]
