"""Pairs of accesses to one state that belong together and are not made in one step.

Owns the atomicity analysis that several rules share: a read and a dependent write in different
critical sections (Artho, Havelund & Biere, "High-level data races", 2003; Flanagan & Qadeer,
"A type and effect system for atomicity", 2003), and a write whose effect is read back in another
section for the answer. Each gap gets exactly one shape, the most specific, so that one place is
reported once.

What makes a pair harmless, and is therefore no gap: one guard (or an outer one) covers both; the
second section checks again what the first one saw (double-checked locking); the write is a
test-and-set whose result is looked at (`insert`, `compare_exchange`, the entry API); the first
section already made a claim by writing what it read; different keys, different fields.
"""

import re
from enum import StrEnum

from msgspec import Struct

from deadheat.rust import Event, Kind, Mode, Place, Program, Root
from deadheat.rust.ir import ASSUMED, UNSYNCHRONISED, overlap, part_of, touches
from deadheat.rust.known import SELF_CHECKING
from deadheat.rust.outside import UNIQUE
from deadheat.rust.types import Type, in_map_crate, is_atomic, is_concurrent_cell, is_store

Fact = tuple[str, ...]
_ENTRY = frozenset(
    {"entry", "or_insert", "or_insert_with", "or_default", "get_or_insert_with", "get_or_insert"}
)
_ALWAYS_CHECKED = frozenset({"compare_exchange", "compare_exchange_weak", "fetch_update", "rcu", "fetch_max",
                             "fetch_min", "compare_and_swap"})  # fmt: skip


_POSITIONAL = frozenset({"remove", "swap_remove", "insert", "swap"})


class Shape(StrEnum):
    """What kind of gap it is."""

    CHECK_THEN_ACT = "check-then-act"
    READ_MODIFY_WRITE = "read-modify-write"
    LOAD_THEN_STORE = "load-then-store"
    RE_READ = "re-read"
    ONCE = "once"


class Gap(Struct, frozen=True):
    """Two accesses of one root; `proven` when data or control flow between them is certain.

    `benign` marks a shape that is usually tolerable (a cache filled twice with the same value).
    """

    shape: Shape
    root: Root
    state: Place
    check: Event
    act: Event
    proven: bool = True
    benign: bool = False


def gaps(program: Program) -> list[Gap]:
    """Every gap of every root, in program order."""
    found: list[Gap] = []
    for root in program.roots:
        by_state: dict[Place, list[Event]] = {}
        for event in root.events:
            if (
                event.place is not None
                and event.kind in (Kind.READ, Kind.WRITE, Kind.RMW)
                and root.flow.is_live(event)
            ):
                by_state.setdefault(event.place.state, []).append(event)
        for state, events in by_state.items():
            if not events[0].place or not events[0].place.is_content or state.root.startswith("D:"):
                continue
            if state.path[-1:] == (UNSYNCHRONISED,):
                continue  # no lock is there to have a gap in
            writes = [event for event in events if event.kind is not Kind.READ]
            reads = [event for event in events if event.kind is Kind.READ]
            if not writes or not reads:
                continue
            found += _dependent_writes(root, state, reads, writes)
            found += _re_reads(root, state, reads, writes)
    return found


def section(event: Event) -> frozenset[int]:
    """The critical sections an access is made in (the event itself for an atomic)."""
    return frozenset(event.guards)


def apart(root: Root, first: Event, second: Event) -> bool:
    """Whether another request can get in between two accesses of one body."""
    if not set(first.guards).isdisjoint(second.guards) or not root.flow.follows(first, second):
        return False
    flow = root.flow
    if any(flow.must[second.id] >> guard & 1 for guard in first.guards):
        return False  # the first section is still open: if anything, that is a re-entry
    both = flow.must[first.id] & flow.must[second.id]
    return not any(
        guard.mode is not Mode.SHARED for guard in flow.held(first, surely=True) if both >> guard.id & 1
    )


def _part(event: Event) -> Fact:
    return event.place.part if event.place is not None else ()


def _facts(event: Event, deps: frozenset[tuple[int, str]]) -> list[Fact]:
    """What `deps` know of one event's content."""
    return [part_of(_part(event), part) for number, part in deps if number == event.id]


def _claimed(read: Event, writes: list[Event], fact: Fact, *, before: bool) -> bool:
    """Whether the section of the read changes what it reads (`before` the read, or at all)."""
    return any(
        (write.id < read.id or not before)
        and section(write) & section(read)
        and overlap(_part(write), _plain(fact))
        for write in writes
    )


def _tested(root: Root, write: Event) -> bool:
    """Whether the write is a test-and-set and somebody looks at what it says."""
    if write.method in _ALWAYS_CHECKED:
        return True
    if write.mark == ASSUMED:
        return False  # `pop().unwrap()`: its answer is not asked for but taken for granted
    if write.method in _POSITIONAL and write.type is not None and write.type.short in ("Vec", "VecDeque"):
        return False  # whatever is at that place now: its being there says nothing
    return write.method in SELF_CHECKING and _says(root, write)


def _says(root: Root, write: Event) -> bool:
    """Whether somebody looks at what the write says."""
    return any(
        any(number == write.id for number, _ in event.deps)
        for event in root.events
        if event.kind in (Kind.BRANCH, Kind.RETURN)
    )


def _dependent_writes(root: Root, state: Place, reads: list[Event], writes: list[Event]) -> list[Gap]:
    found: list[Gap] = []
    seen_first: set[frozenset[int]] = set()
    seen_second: set[frozenset[int]] = set()
    for write in writes:
        for read in reversed(reads):
            if not apart(root, read, write):
                continue
            gap = _judge(root, state, read, write, reads, writes)
            if gap is None or section(read) in seen_first or section(write) in seen_second:
                continue
            # Later writes of the same section may be controlled by the check where this one is
            # only fed by it; the section is then a check-then-act.
            gap = _most_specific(root, state, gap, reads, writes)
            seen_first.add(section(read))
            seen_second.add(section(write))
            found.append(gap)
    return found


def _most_specific(root: Root, state: Place, gap: Gap, reads: list[Event], writes: list[Event]) -> Gap:
    if gap.shape is not Shape.READ_MODIFY_WRITE:
        return gap
    for write in writes:
        for read in reads:
            if (
                section(write) == section(gap.act)
                and section(read) == section(gap.check)
                and apart(root, read, write)
            ):
                other = _judge(root, state, read, write, reads, writes)
                if other is not None and other.shape is Shape.CHECK_THEN_ACT:
                    return other
    return gap


def _judge(
    root: Root, state: Place, read: Event, write: Event, reads: list[Event], writes: list[Event]
) -> Gap | None:
    here = _part(write)
    fed = [fact for fact in _facts(read, write.deps) if overlap(fact, here)]
    decided = [fact for fact in _facts(read, write.control) if touches(fact, here)]
    if not fed and not decided and write.method == "insert" and read.method in _ASKS_EXISTENCE:
        # The first name that is free: which one is put in was chosen by looking, whatever it is called.
        decided = [here for _ in _facts(read, write.selects)][:1]
    if not fed and not decided:
        return None
    # A first section that changes what it looked at is a claim, and what is decided by it is safe.
    fed = [fact for fact in fed if not _claimed(read, writes, fact, before=True)]
    decided = [fact for fact in decided if not _claimed(read, writes, fact, before=False)]
    if not fed and not decided:
        return None
    atomic = is_atomic(write.type) or is_concurrent_cell(write.type)
    if _tested(root, write):
        return None
    if write.mark == "once":
        # Who reads the cell again goes on with the value that was kept, whoever set it.
        again = any(other.mark == "once" and root.flow.follows(write, other) for other in reads)
        ignored = decided and not again and not _says(root, write)
        return Gap(Shape.ONCE, root, state, read, write) if ignored else None
    if write.mark == "once-asked":
        return None
    if atomic:
        if write.kind is Kind.RMW:
            return Gap(Shape.CHECK_THEN_ACT, root, state, read, write) if decided else None
        return Gap(Shape.LOAD_THEN_STORE, root, state, read, write)
    unsure = [fact for fact in decided if not _checked_again(read, write, fact, reads)]
    # A copy written back needs the entry to be there: that is no decision of its own.
    if unsure and not (fed and all("?" in fact for fact in unsure)):
        return Gap(
            Shape.CHECK_THEN_ACT, root, state, read, write, benign=_fills_cache(root, read, write),
        )  # fmt: skip
    if fed and write.method in _PUTS and is_cache(state, write.type):
        return Gap(Shape.CHECK_THEN_ACT, root, state, read, write, benign=True)
    # That there was an entry is no value that the write of a field could be worked out from.
    if any(touches(fact, here) for fact in fed):
        return Gap(
            Shape.READ_MODIFY_WRITE,
            root,
            state,
            read,
            write,
            proven=(write.kind is not Kind.RMW or write.method == "insert")
            and any(_leaf(fact) == _leaf(here) for fact in fed),
        )
    return None


def _checked_again(check: Event, write: Event, fact: Fact, reads: list[Event]) -> bool:
    """Whether the write's own section looked at the same fact before it acted.

    That an entry is there says nothing about what is in it: a balance that was compared under
    the first lock is not compared again by `get_mut(id).ok_or(…)?` under the second.
    """
    existence = "?" in fact or check.method in _ASKS_EXISTENCE
    if write.method in _ENTRY and _plain(fact) == _part(write):
        return existence or check.method in _LOOKS_UP
    plain = _plain(fact)
    return any(
        plain == _plain(again) and (existence or "?" not in again)
        for read in reads
        if read.id < write.id and section(read) & section(write)
        for again in _facts(read, write.control)
    )


_ASKS_EXISTENCE = frozenset({"contains_key", "contains", "is_some", "is_none", "is_empty"})
_LOOKS_UP = frozenset({"get", "get_mut"})


def _leaf(fact: Fact) -> Fact:
    """Which field it is about, whatever the key and whatever was asked of it."""
    return tuple(
        "[*]" if step.startswith("[") else step for step in fact if step != "?" and not step.endswith("()")
    )


def _plain(fact: Fact) -> Fact:
    return tuple(step for step in fact if step != "?")


# What tells only about a value and does not hand it out.
_NO_VALUE = ("Err()", "is_", "?")


_CACHE = re.compile(r"cache|memo(?:$|i)|lru", re.IGNORECASE)
_PUTS = frozenset({"insert", "push", "put", "get_or_insert_with", "set", "put_with_ttl", "insert_with_ttl"})


def is_cache(state: Place, declared: Type | None) -> bool:
    """Whether a state says of itself that it only remembers what can be computed again."""
    names = [step for step in (state.root[2:].rsplit("::", 1)[-1], *state.path) if not step.startswith("[")]
    return _CACHE.search(names[-1]) is not None or (
        declared is not None and not in_map_crate(declared) and _CACHE.search(str(declared)) is not None
    )


def _fills_cache(root: Root, read: Event, write: Event) -> bool:
    """Look up, hand out what is there; else make it and put it in: a stampede, no lost update.

    Unless making it changes something else: then what is done twice is more than a computation.
    """
    state = write.place.state if write.place is not None else None
    if state is not None and write.method in _PUTS and is_cache(state, write.type):
        return True
    changes = (Kind.WRITE, Kind.RMW)
    on_disk = _found_on_disk(root, write)
    if any(
        other.place is not None
        and other.place.state != state
        and not is_cache(other.place.state, other.type)
        and not (on_disk and other.place.root == "F:")
        for kind in changes
        for other in root.flow.between(read, write, kind)
        if any(number == read.id for number, _ in other.control)
    ):
        return False
    if write.kind is Kind.RMW and write.method not in ("insert", "push", "put", "get_or_insert_with"):
        return False
    if any(number == read.id for number, _ in write.deps):
        return False
    if _is_unique(root, read, write):
        return False
    looked = {
        event.id for event in root.events
        if event.kind is Kind.READ and section(event) & section(read)
    }  # fmt: skip
    if on_disk:  # what was looked up is where the answer lies
        looked |= {
            event.id for event in root.events
            if event.kind is Kind.READ and any(number in looked for number, _ in event.deps)
        }  # fmt: skip
    return any(
        any(number in looked and not any(word in part for word in _NO_VALUE) for number, part in event.deps)
        for event in root.events
        if event.kind in (Kind.RETURN, Kind.GIVE)
        and event.via == write.via[: len(event.via)]
        and not root.flow.follows(write, event)
    )


def _found_on_disk(root: Root, write: Event) -> bool:
    """Whether a hit hands out a file: then the file that a miss writes is half of what it puts in."""
    state = write.place.state if write.place is not None else None
    return any(
        event.kind is Kind.READ and event.place is not None and event.place.root == "F:"
        and not root.flow.follows(event, write)
        and any(
            (place := root.events[number].place) is not None and place.state == state
            for number, _ in event.control
        )
        for event in root.events[: write.id]
    )  # fmt: skip


def _is_unique(root: Root, read: Event, write: Event) -> bool:
    """Whether a miss makes what nobody else has: two identities for one device are not one value twice."""
    return any(event.method == UNIQUE for event in root.flow.between(read, write, Kind.CALL))


def _re_reads(root: Root, state: Place, reads: list[Event], writes: list[Event]) -> list[Gap]:
    if root.task or any(is_store(read.type) or is_cache(state, read.type) for read in reads[:1]):
        return []  # who reads a store back wants what it holds, whoever put it there
    found: list[Gap] = []
    seen: set[frozenset[int]] = set()
    returns = [event for event in root.events if event.kind is Kind.RETURN and root.flow.is_live(event)]
    for read in reads:
        here = _part(read)
        if section(read) in seen or _claimed(read, writes, here, before=True):
            continue
        told = any(number == read.id for event in returns for number, _ in event.deps)
        chosen = any(number == read.id for event in returns for number, _ in event.control)
        if not told and not chosen:
            continue
        before = [
            write for write in writes
            if write.id < read.id and overlap(_part(write), here) and apart(root, write, read)
        ]  # fmt: skip
        # Two calls of one helper that looks and fills are two look-ups, not a change and an answer.
        again = [write for write in before if write.function == read.function and write.via != read.via]
        before = [write for write in before if write not in again and not _is_fill(root, write, reads)]
        if not before:
            continue
        # A read that decides about a further write is that write's check, not an answer.
        if (
            any(write.id > read.id and _facts(read, write.control | write.deps) for write in writes)
            and not told
        ):
            continue
        seen.add(section(read))
        found.append(
            Gap(Shape.RE_READ, root, state, before[-1], read, proven=told and _same(before[-1], read))
        )
    return found


def _is_fill(root: Root, write: Event, reads: list[Event]) -> bool:
    """Whether the write puts into a cache what a look-up did not find: no change that is told."""
    return any(
        read.function == write.function and apart(root, read, write) and _fills_cache(root, read, write)
        for read in reads
        if read.id < write.id
    )


def _same(write: Event, read: Event) -> bool:
    """Whether what is read back is what was written, and not a collection it is part of."""
    return len(_part(write)) >= len(_part(read)) and not any("[*]" in step for step in _part(read))
