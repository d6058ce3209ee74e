"""The inventory as values: what `--format json` holds of it, and the order in which every form tells it.

Owns that part of the document. It must not draw: programs that read JSON wait for no colours or tables.
"""

from deadheat.model import Access, Review, Run, Tool
from deadheat.report.document import HandlerPart, InventoryPart, InventoryRow, SpanPart, StatePart
from deadheat.report.names import Names


def part(review: Review) -> InventoryPart:
    """Which handler touches which shared state, how, and under which lock."""
    names = names_in(review)
    return InventoryPart(
        handlers=tuple(HandlerPart(handler.id, handler.endpoint) for handler in review.handlers),
        states=tuple(StatePart(state.kind, state.path) for state in review.states),
        accesses=tuple(_row(access, names) for access in in_order(review, names)),
    )


def _row(access: Access, names: Names) -> InventoryRow:
    state, span = names.state(access.state), access.span
    return InventoryRow(
        state=names.path(access.state),
        kind=state.kind if state else None,
        handler=access.handler,
        endpoint=names.endpoint(access.handler),
        access=access.kind.value,
        operation=access.operation,
        location=SpanPart(span.file, span.start_line, span.start_column, span.end_line, span.end_column),
        locks=tuple(map(names.path, access.under.locks)),
        transaction=access.under.transaction,
    )


def names_in(review: Review) -> Names:
    """What people call the states and handlers of a review."""
    return Names(Run(Tool(), "", review=review))


def in_order(review: Review, names: Names) -> list[Access]:
    """The accesses by state, endpoint and place."""
    return sorted(
        review.accesses,
        key=lambda a: (names.path(a.state), names.endpoint(a.handler), *_place(a), a.kind.value),
    )


def _place(access: Access) -> tuple[str, int, int, int, int]:
    span = access.span  # as plain values: they compare without a call for each pair
    return span.file, span.start_line, span.start_column, span.end_line, span.end_column
