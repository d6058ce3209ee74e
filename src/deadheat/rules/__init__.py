"""The rules: event graphs → suspected findings.

`check(program)` gives the findings, one per root cause, worst and surest first. `RULES` is the
metadata by name, from which documentation and `explain` are made. A new rule is one file, named
after the rule, and one line here.
"""

from deadheat.model import Finding, Suppressed
from deadheat.rules import (
    actor_check_then_act,
    atomic_load_then_store,
    blocking_call_in_handler,
    blocking_guard_across_await,
    cache_stampede,
    cancelled_between_writes,
    check_then_act,
    check_under_another_lock,
    count_then_insert,
    deadlock,
    delete_then_insert,
    dual_write,
    executed_twice,
    false_assumption,
    file_check_then_act,
    find_then_insert,
    get_then_set,
    guard_then_handler,
    idle_allow,
    ignored_row_count,
    invariant_violation,
    last_row_read_back,
    lock_across_blocking_call,
    lock_across_io,
    lock_dropped_at_once,
    lock_gap_read_modify_write,
    lock_order_inversion,
    map_reference_across_await,
    map_reference_held,
    max_plus_one,
    non_serializable_outcome,
    once_get_then_set,
    poisoned_lock,
    pool_self_starvation,
    query_check_then_act,
    recursive_read_lock,
    relaxed_publication,
    request_ordered_locks,
    respond_before_persist,
    response_re_read,
    row_read_modify_write,
    rwlock_upgrade_while_reading,
    same_lock_re_entry,
    sequential_violation,
    side_effect_in_retry,
    stale_row_write,
    static_mut,
    thread_local_state,
    torn_update,
    unsafe_sync,
)
from deadheat.rules.causes import merged
from deadheat.rules.context import Context
from deadheat.rules.ranking import ranked
from deadheat.rules.rule import Example, Rule
from deadheat.rules.suppress import allows, suppress
from deadheat.rust import Program

_ALL: tuple[Rule, ...] = (
    non_serializable_outcome.RULE,
    check_then_act.RULE,
    lock_gap_read_modify_write.RULE,
    response_re_read.RULE,
    atomic_load_then_store.RULE,
    torn_update.RULE,
    check_under_another_lock.RULE,
    once_get_then_set.RULE,
    cache_stampede.RULE,
    side_effect_in_retry.RULE,
    relaxed_publication.RULE,
    static_mut.RULE,
    unsafe_sync.RULE,
    thread_local_state.RULE,
    deadlock.RULE,
    same_lock_re_entry.RULE,
    lock_order_inversion.RULE,
    rwlock_upgrade_while_reading.RULE,
    recursive_read_lock.RULE,
    map_reference_held.RULE,
    request_ordered_locks.RULE,
    lock_dropped_at_once.RULE,
    poisoned_lock.RULE,
    map_reference_across_await.RULE,
    blocking_guard_across_await.RULE,
    lock_across_io.RULE,
    lock_across_blocking_call.RULE,
    blocking_call_in_handler.RULE,
    pool_self_starvation.RULE,
    respond_before_persist.RULE,
    actor_check_then_act.RULE,
    guard_then_handler.RULE,
    executed_twice.RULE,
    cancelled_between_writes.RULE,
    file_check_then_act.RULE,
    row_read_modify_write.RULE,
    stale_row_write.RULE,
    find_then_insert.RULE,
    query_check_then_act.RULE,
    count_then_insert.RULE,
    get_then_set.RULE,
    dual_write.RULE,
    delete_then_insert.RULE,
    ignored_row_count.RULE,
    last_row_read_back.RULE,
    max_plus_one.RULE,
    false_assumption.RULE,
    invariant_violation.RULE,
    sequential_violation.RULE,
    idle_allow.RULE,
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
_NAMES = {name: rule.name for rule in _ALL for name in (rule.name, rule.code.lower())}


def check(program: Program) -> tuple[Finding, ...]:
    """Every suspected finding of a program that no comment allows."""
    return review(program)[0]


def review(program: Program) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
    """Every suspected finding of a program, and apart from them those that a comment allows."""
    context = Context(program)
    found = merged(
        finding for rule in _ALL for finding in rule.check(rule, context) if not context.explained(finding)
    )
    checked = suppress(ranked(found, program.handlers), allows(program), _NAMES)
    idle = tuple(idle_allow.finding(program, allow, why) for allow, why in checked.idle)
    return checked.findings + idle, checked.suppressed


def rule_of(name: str) -> Rule | None:
    """The rule with this name or code, in any case; None when there is none."""
    wanted = name.strip().lower()
    return RULES.get(wanted) or next((rule for rule in _ALL if rule.code.lower() == wanted), None)


__all__ = ["RULES", "Example", "Rule", "check", "review", "rule_of"]
