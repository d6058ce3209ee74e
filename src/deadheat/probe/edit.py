"""Putting the probes of a plan into source text, and taking back what the compiler refuses.

Owns the order of insertions and the way between positions in the original and in the edited text.
All positions are bytes. Edits are pure insertions, properly nested: taken out again they leave the
original, and no line moves (property-tested).
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from deadheat.probe.forms import Wrap
from deadheat.probe.plan import Plan


def apply(plan: Plan, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the edited text of every file of the plan that is in `sources`."""
    return {file: _edited(plan, file, sources[file]) for file in sorted(plan.files) if file in sources}


def probe_at(plan: Plan, file: str, where: tuple[int, int]) -> int | None:
    """Find which probe is to blame for a complaint about `where` in the edited `file`.

    The smallest one that contains it, else the smallest that overlaps it; its index in
    `plan.probes`, None when no insertion is near.
    """
    start, end = where[0], max(where[1], where[0] + 1)
    around = [
        (not (first <= start and end <= last), last - first, index)
        for index, first, last in _extents(plan, file)
        if first < end and start < last
    ]
    return min(around)[2] if around else None


def lower(plan: Plan, probes: Iterable[int]) -> Plan:
    """Move each of `probes` (indices) to its next form; after the last form it is dropped."""
    chosen = set(probes)
    return msgspec.structs.replace(
        plan,
        probes=tuple(
            msgspec.structs.replace(probe, turn=probe.turn + 1) if index in chosen and probe.wrap else probe
            for index, probe in enumerate(plan.probes)
        ),
    )


def drop(plan: Plan, probes: Iterable[int]) -> Plan:
    """Give up each of `probes` (indices), whatever forms it has left."""
    chosen = set(probes)
    return msgspec.structs.replace(
        plan,
        probes=tuple(
            msgspec.structs.replace(probe, turn=len(probe.forms)) if index in chosen else probe
            for index, probe in enumerate(plan.probes)
        ),
    )


def drop_all(plan: Plan) -> Plan:
    """Give the plan with every probe dropped: the program as it was."""
    return drop(plan, range(len(plan.probes)))


def demote(plan: Plan, file: str, where: tuple[int, int]) -> Plan:
    """Lower the probe to blame for a complaint about `where`; the same plan when there is none."""
    index = probe_at(plan, file, where)
    return plan if index is None else lower(plan, (index,))


def _insertions(plan: Plan, file: str) -> Iterator[tuple[int, int, str, bool]]:
    """Give (offset, probe, text, is the opening one) in text order.

    At one offset what ends there is closed first, innermost first; then the outermost opens first.
    """
    wraps: list[tuple[Wrap, int]] = [
        (probe.wrap, index) for index, probe in enumerate(plan.probes) if probe.file == file and probe.wrap
    ]
    wraps.sort(key=lambda item: (item[0].start, -item[0].end, -item[0].scope))
    open_now: list[tuple[Wrap, int]] = []
    for wrap, index in wraps:
        while open_now and open_now[-1][0].end <= wrap.start:
            inner, closing = open_now.pop()
            yield inner.end, closing, inner.after, False
        yield wrap.start, index, wrap.before, True
        open_now.append((wrap, index))
    while open_now:
        inner, closing = open_now.pop()
        yield inner.end, closing, inner.after, False


def _edited(plan: Plan, file: str, source: bytes) -> bytes:
    parts: list[bytes] = []
    done = 0
    for offset, _, text, _ in _insertions(plan, file):
        parts += (source[done:offset], text.encode())
        done = offset
    parts.append(source[done:])
    return b"".join(parts)


def _extents(plan: Plan, file: str) -> Iterator[tuple[int, int, int]]:
    """Give (probe, start, end) in the edited text, insertions included."""
    added = 0
    starts: dict[int, int] = {}
    for offset, index, text, opening in _insertions(plan, file):
        if opening:
            starts[index] = offset + added
        added += len(text.encode())
        if not opening:
            yield index, starts[index], offset + added
