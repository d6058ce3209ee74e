"""From a pair of statements to a finding.

Owns the sentences that every database rule says alike: who the rival is, what the transaction does not
do, where the window opens. It must not know how pairs are found.
"""

from collections.abc import Iterator

from deadheat.model import Confidence, Finding
from deadheat.rules.context import Context, describe
from deadheat.rules.queries import Pair, Shape, pairs
from deadheat.rules.rule import Rule
from deadheat.rust import Kind, Root
from deadheat.rust.outside import BLOCKING, EXTERNAL, SLOW

_ONE_TRANSACTION = (
    " Both are in one transaction, but the default isolation level (READ COMMITTED, or REPEATABLE READ on "
    "MySQL) lets another transaction commit in between."
)


def sifted(context: Context, shape: Shape) -> Iterator[tuple[Pair, bool]]:
    """The pairs of a shape, and whether each is only one more caller of a save that another stands for.

    A `save` that writes whole rows is one thing to mend, however many handlers load, change and
    save. The widest window stands for it, and so does each that waits for another service in between:
    there the odds are of another order than between two statements.
    """
    found = pairs(context.program, shape)
    best: dict[object, Pair] = {}
    for pair in found:
        known = best.get(_save(pair))
        if known is None or _width(pair) > _width(known):
            best[_save(pair)] = pair
    for pair in found:
        whole = shape is Shape.STALE_ROW or (pair.act.query is not None and pair.act.query.whole)
        yield pair, whole and best[_save(pair)] is not pair and not _waits(pair)


def _save(pair: Pair) -> object:
    return pair.act.where, pair.act.function


def _width(pair: Pair) -> tuple[bool, bool, int]:
    awaits = len(pair.root.flow.between(pair.check, pair.act, Kind.AWAIT))
    return pair.root.serves, pair.proven and not pair.benign, awaits


def _waits(pair: Pair) -> bool:
    calls = pair.root.flow.between(pair.check, pair.act, Kind.CALL)
    return any(event.method in (EXTERNAL, SLOW, BLOCKING) for event in calls)


def rival(pair: Pair) -> Root:
    """The other request of the story: the same handler where that is enough."""
    return pair.root if not pair.others or pair.root in pair.others else pair.others[0]


def report(
    rule: Rule, context: Context, pair: Pair, story: str, opening: str, *, again: bool = False
) -> Finding:
    """The finding; `story` may name {one}, {other}, {state}, {check}, {act} and {wide}.

    `again` says that another finding stands for its cause.
    """
    window = context.window(pair.root, pair.check, pair.act)
    state = context.program.state_of(pair.state, pair.act.type).path
    message = story.format(
        one=context.who(pair.root), other=context.who(rival(pair)), state=state,
        check=describe(window.check), act=describe(window.act),
        wide=f", {window.awaits} `.await` wide" if window.awaits else "",
    )  # fmt: skip
    if pair.transaction:
        message += _ONE_TRANSACTION
    confidence = context.confidence(rule, pair.root, pair.state, proven=pair.proven, benign=pair.benign)
    if not pair.root.serves and pair.others and not any(other.serves for other in pair.others):
        confidence = Confidence.LOW  # background work against background work
    if again:
        confidence = Confidence.LOW
    return context.finding(
        rule, pair.root, pair.state, window,
        handlers=context.handlers(pair.root, pair.others),
        message=message,
        confidence=confidence,
        related=context.related(window, opening, "reached through this call"),
        act=pair.act,
        shape=f"{pair.shape}:{pair.check.operation}>{pair.act.operation}",
    )  # fmt: skip
