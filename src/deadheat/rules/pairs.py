"""Two states that belong together, and handlers that treat them one after the other.

Owns the analysis over two locks that the rules on torn updates and on split checks share. What
belongs together is nowhere declared, so it is read from use (Lu et al., "MUVI: automatically
inferring multi-variable access correlations", 2007): somebody holds both locks at once, answers
from both, moves an amount from one to the other, or keeps both under one key. The harm is the
cycle of conflict serializability: A comes before B on one state and after it on the other.
"""

from collections.abc import Iterator

from msgspec import Struct

from deadheat.rules.gaps import apart
from deadheat.rules.ranking import is_authority, is_barrier
from deadheat.rust import Event, Kind, Place, Program, Root
from deadheat.rust.ir import overlap, part_of, touches

_WRITES = frozenset({Kind.WRITE, Kind.RMW})
_REVOKES = frozenset({"=", "-=", "remove", "retain", "clear", "take", "pop", "drain", "remove_entry",
                      "replace", "truncate", "swap", "&mut", "set", "remove_if"})  # fmt: skip
_APPENDS = frozenset({"push", "push_back", "push_front", "push_str", "extend", "+="})
_GUARD_FUNCTIONS = frozenset({"from_request", "from_data"})


class Torn(Struct, frozen=True):
    """Two writes of one root in two sections; `reader` sees both states and expects them to agree."""

    root: Root
    first: Event
    second: Event
    reader: Root
    certain: bool


class Split(Struct, frozen=True):
    """A write to one state, decided by a read of another that `rival` changes in between."""

    root: Root
    check: Event
    act: Event
    rival: Root
    crosses: bool  # the rival touches the state of the act too


def torn_updates(program: Program) -> Iterator[Torn]:
    """The first pair of torn writes of each root and pair of states."""
    readers = _readers(program)
    for root in program.roots:
        writes = [event for event in root.locked if event.kind in _WRITES]
        seen: set[tuple[Place, Place]] = set()
        for number, first in enumerate(writes):
            for second in writes[number + 1 :]:
                pair = (_state(first), _state(second))
                sights = readers.get(frozenset(pair))
                if sights is None or pair in seen or not apart(root, first, second):
                    continue
                found = _seen_torn(root, first, second, sights)
                if found is not None:
                    seen |= {pair, (pair[1], pair[0])}
                    yield found


class _Sight(Struct, frozen=True):
    """One root's look at two states."""

    root: Root
    one: Event
    other: Event
    together: bool
    told: bool


def _readers(program: Program) -> dict[frozenset[Place], list[_Sight]]:
    found: dict[frozenset[Place], dict[tuple[object, ...], _Sight]] = {}
    for root in program.roots:
        events = root.locked
        if len({_state(event) for event in events}) < 2:
            continue
        told_by = _answers(root)
        reads = [event for event in events if event.kind is Kind.READ]
        held = {
            event.id: {guard.place for guard in root.flow.held(event, surely=True)} for event in reads
        }  # fmt: skip
        for number, one in enumerate(reads):
            for other in reads[number + 1 :]:
                if _state(one) == _state(other):
                    continue
                # While the first lock is held the second may come and go: `other` is what the first guards.
                together = _state(one) in held[other.id] or _state(other) in held[one.id]
                told = bool(told_by.get(one.id, 0) & told_by.get(other.id, 0))
                if together or told:
                    pair = frozenset((_state(one), _state(other)))
                    # One look of a kind is enough: a helper that many handlers call looks alike in all.
                    kind = (_state(one), _any(one), _any(other), together, told)
                    found.setdefault(pair, {}).setdefault(kind, _Sight(root, one, other, together, told))
    return {
        pair: sorted(sights.values(), key=lambda sight: (not sight.together, not sight.told))
        for pair, sights in found.items()
    }


def _answers(root: Root) -> dict[int, int]:
    """For each event, the answers that tell what it read, as a bit mask."""
    found: dict[int, int] = {}
    for event in root.events:
        if event.kind is Kind.RETURN and root.flow.is_live(event):
            for number in {number for number, _ in event.deps}:
                found[number] = found.get(number, 0) | 1 << event.id
    return found


def _seen_torn(root: Root, first: Event, second: Event, sights: "list[_Sight]") -> Torn | None:
    moved, keyed = _one_amount(first, second), bool(_keys(first) & _keys(second))
    replaced = first.kind is Kind.WRITE and second.kind is Kind.WRITE
    for sight in sights:
        ends = (sight.one, sight.other) if _state(sight.one) == _state(first) else (sight.other, sight.one)
        if not (overlap(_any(ends[0]), _any(first)) and overlap(_any(ends[1]), _any(second))):
            continue
        if sight.together or ((moved or keyed or replaced) and sight.told):
            return Torn(root, first, second, sight.root, sight.together and (sight.told or moved))
    return None


def split_checks(program: Program) -> Iterator[Split]:
    """Writes decided by another state (or by another part of it) that a rival changes in between."""
    writers: dict[Place, list[tuple[Root, Event]]] = {}
    touched: dict[int, list[Event]] = {}
    for number, root in enumerate(program.roots):
        touched[number] = root.locked
        for event in touched[number]:
            if event.kind in _WRITES and _revokes(program, event):
                writers.setdefault(_state(event), []).append((root, event))
    numbers = {id(root): number for number, root in enumerate(program.roots)}
    for root in program.roots:
        seen: set[tuple[Place, Place]] = set()
        mine = touched[numbers[id(root)]]
        written = {_state(event) for event in mine if event.kind in _WRITES}
        for act in mine:
            if act.kind not in _WRITES:
                continue
            for check, fact in _decided_by(program, root, act):
                pair = (_state(check), _state(act))
                one_lock = pair[0] == pair[1]
                if pair in seen or pair[0] not in writers or (pair[0] in written and not one_lock):
                    continue
                guard = check.function.rsplit("::", 1)[-1] in _GUARD_FUNCTIONS
                if guard and not one_lock:
                    continue  # whether a request guard's word still counts is another rule's question
                entries = one_lock and _is_other_entry(fact, act)
                if one_lock and not entries and any(_facts_touch(root, check, write, fact) for write in mine):
                    continue
                for rival, change in writers[pair[0]]:
                    if rival is root or not touches(_loose(fact), _any(change)):
                        continue
                    if one_lock and not entries and overlap(_any(change), _any(act)):
                        continue  # it replaces the whole state, so no part is left behind
                    met = [
                        event for event in touched[numbers[id(rival)]]
                        if _state(event) == pair[1] and overlap(_any(event), _any(act))
                    ]  # fmt: skip
                    crosses = bool(met)
                    if not all(_commutes(event, act) for event in met) or (
                        (crosses or not one_lock) and _is_sensitive(program, check, fact)
                    ):
                        seen.add(pair)
                        yield Split(root, check, act, rival, crosses)
                        break


def _revokes(program: Program, event: Event) -> bool:
    """Whether a change takes away what somebody may have found: removes it, or puts up a bar."""
    if event.method in _REVOKES:
        return True
    return event.method in ("insert", "push") and is_barrier(program.states.name(_state(event)))


def _commutes(one: Event, other: Event) -> bool:
    """Whether it does not matter which comes first: two lines in a log, two additions to a sum."""
    return one.method in _APPENDS and other.method in _APPENDS


def _is_sensitive(program: Program, check: Event, fact: tuple[str, ...]) -> bool:
    """Whether what is asked decides who may do what: then a late act matters, whoever sees it."""
    fields = " ".join(step for step in fact if not step.startswith("["))
    return check.place is not None and is_authority(f"{program.states.name(check.place)} {fields}")


def _decided_by(program: Program, root: Root, act: Event) -> Iterator[tuple[Event, tuple[str, ...]]]:
    held = {guard.place for guard in root.flow.held(act, surely=True)}
    for number, part in sorted(act.control):
        check = root.events[number]
        if check.kind is not Kind.READ or check.place is None or not root.is_locked(check):
            continue
        if not apart(root, check, act) or (_state(check) in held and _state(check) != _state(act)):
            continue
        fact = part_of(check.place.part, part)
        if _state(check) == _state(act):
            if _looked_again(root, act, fact):
                continue
            if overlap(_loose(fact), _any(act)) and not (
                _is_other_entry(fact, act) and _is_sensitive(program, check, fact)
            ):
                continue  # a gap in one state's own lock
        yield check, fact


def _looked_again(root: Root, act: Event, fact: tuple[str, ...]) -> bool:
    # Keys are compared loosely: what a guard hands on as `admin.0` it knew as `user`.
    plain = _loose(tuple(step for step in fact if step != "?"))
    return any(
        event.kind is Kind.READ and event.place is not None and event.id < act.id
        and set(event.guards) & set(act.guards)
        and overlap(_any(event), plain)
        for event in root.events
    )  # fmt: skip


def _is_other_entry(fact: tuple[str, ...], act: Event) -> bool:
    """Whether the act changes another entry of the collection: who asks may be no admin any more."""
    part = act.place.part if act.place is not None else ()
    mine = fact[: len(part)]  # what it says of itself (`me.admin`) is about its entry
    return len(part) == len(mine) and bool(part) and not overlap(mine, part) and "?" not in fact


def _facts_touch(root: Root, check: Event, write: Event, fact: tuple[str, ...]) -> bool:
    """Whether the root itself changes what it checked: then the pair is a plain check-then-act."""
    return _state(write) == _state(check) and write.kind in _WRITES and overlap(_loose(fact), _any(write))


def _state(event: Event) -> Place:
    assert event.place is not None  # only accesses with a place are looked at
    return event.place.state


def _any(event: Event) -> tuple[str, ...]:
    return _loose(event.place.part if event.place is not None else ())


def _loose(part: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("[*]" if step.startswith("[") else step for step in part)


def _keys(event: Event) -> set[str]:
    part = event.place.part if event.place is not None else ()
    return {step for step in part if step.startswith("[") and step[1:2].isalpha()}


def _one_amount(first: Event, second: Event) -> bool:
    """Whether one write takes away what the other adds, or both add it (an entry, and the total)."""
    if not {first.method, second.method} <= {"-=", "+="}:
        return False
    amounts = {
        "".join(event.where.file.text[event.where.start : event.where.end].decode("utf-8", "replace").split())
        .partition(event.method)[2]
        for event in (first, second)
    }  # fmt: skip
    # Two tallies that go up by one each are two tallies.
    return len(amounts) == 1 and (first.method != second.method or not amounts.pop().isdigit())
