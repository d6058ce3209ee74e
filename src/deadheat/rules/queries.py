"""Pairs of statements that belong together and are not one step.

Owns the search over all roots. Each pair of places gets one shape, the most specific; `query_reads` and
`query_writes` find them, `query_facts` says what protects a pair.
"""

from weakref import WeakKeyDictionary

from deadheat.rules.query_facts import Facts, statements
from deadheat.rules.query_reads import Reads
from deadheat.rules.query_shapes import Pair, Shape
from deadheat.rules.query_writes import Writes
from deadheat.rust import Event, Kind, Program, Root
from deadheat.rust.db.query import Op
from deadheat.rust.ir import Where

_KNOWN: "WeakKeyDictionary[Program, list[Pair]]" = WeakKeyDictionary()


def pairs(program: Program, *shapes: Shape) -> list[Pair]:
    """The pairs of these shapes, in program order."""
    known = _KNOWN.get(program)
    if known is None:
        known = _KNOWN[program] = _find(program)
    return [pair for pair in known if pair.shape in shapes]


def _find(program: Program) -> list[Pair]:
    if not any(statements(root) for root in program.roots):
        return []
    facts = Facts(program)
    found: list[Pair] = []
    for root in program.roots:
        events = statements(root)
        writes = [event for event in events if event.kind is not Kind.READ]
        if not writes:
            continue
        reads = [event for event in events if event.kind is Kind.READ]
        found += _of(facts, root, reads, writes)
    return _one_each(found)


_ORDER = list(Shape)


def _one_each(found: list[Pair]) -> list[Pair]:
    """Two places that several roots pair for several reasons have one shape, the most telling."""
    best: dict[tuple[Where, Where], int] = {}
    for pair in found:
        key = _places(pair)
        best[key] = min(best.get(key, len(_ORDER)), _ORDER.index(pair.shape))
    return [pair for pair in found if _ORDER.index(pair.shape) == best[_places(pair)]]


def _places(pair: Pair) -> tuple[Where, Where]:
    """Where the function that does both does the one and the other."""
    check, act = (*pair.check.via, pair.check.where), (*pair.act.via, pair.act.where)
    for one, other in zip(check, act, strict=False):
        if one != other:
            return one, other
    return check[-1], act[-1]


def _of(facts: Facts, root: Root, reads: list[Event], writes: list[Event]) -> list[Pair]:
    first, second = Reads(facts, root, reads, writes), Writes(facts, root, reads, writes)
    found: list[Pair] = []
    for write in writes:
        best = first.before(write)
        if not best and write.query is not None and write.query.op is Op.INSERT:
            panic = second.panics(write)
            best = [panic] if panic is not None else []
        found += best
    found += second.read_backs() + second.replacements() + second.dual_writes()
    return [pair for pair in found if _can_happen(facts, pair)]


def _can_happen(facts: Facts, pair: Pair) -> bool:
    """What the program starts once races with requests only, not with itself."""
    root = pair.root
    if root.serves or root.function.name not in ("main", "rocket", "launch"):
        return True
    writers = facts.writers.get(pair.state.root[2:], ())
    others = pair.others or tuple(writer.root for writer in writers)
    return any(other.serves for other in others)


__all__ = ["Pair", "Shape", "pairs"]
