"""Every function body read, by one process or by two.

Owns which body is read when (callees first, a call cycle cut where it closes) and the division of that
work: each side reads the functions of its half of the files and whatever those call; what both
read came out the same, because a summary depends on the callees' summaries alone. Where that might not
hold (a cycle both sides entered, two declarations of one path) `merged` says so and one side reads
everything. It must not know how a second process comes about: `Beside` gives one.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

import msgspec
from msgspec import Struct

from deadheat.rust.ir import Summary
from deadheat.rust.items import Function
from deadheat.rust.lazy import Lazy
from deadheat.rust.lower import FoundSite, Unready, lower
from deadheat.rust.syntax import SourceFile
from deadheat.rust.types import Type, Types

Beside = Callable[[Callable[[], bytes]], AbstractContextManager[Callable[[], bytes | None]]]
"""Does work in a second process meanwhile; what it yields waits for the result (None: it came to nothing)."""

V = TypeVar("V")
_UNPACKING = 0.97  # of what is read twice as much as is unpacked beside it
_WORTHWHILE = 150_000  # bytes of bodies: below, a second process costs more than it saves


class Fact(Struct, frozen=True, array_like=True):
    """What is asked of every summary, whoever else needs it."""

    matters: bool  # touches something shared, or starts something
    inlined: tuple[str, ...]  # functions whose events are in it, itself left out
    managed: tuple[str, ...]  # keys of the managed values that it touches

    @classmethod
    def of(cls, summary: Summary) -> "Fact":
        """The facts of one summary."""
        roots = dict.fromkeys(event.place.root for event in summary.events if event.place is not None)
        return cls(
            summary.matters or bool(summary.spawned),
            tuple(sorted(summary.inlined - {summary.function})),
            tuple(root[2:] for root in roots if root.startswith("S:")),
        )


class Read(Struct):
    """What was learnt from some bodies, by the path of the function."""

    summaries: dict[str, Summary] = {}
    sites: dict[str, list[FoundSite]] = {}
    facts: dict[str, Fact] = {}
    asked: dict[str, list[str]] = {}  # callees in the order in which their summaries were wanted
    delicate: set[str] = set()  # part of a cycle, or not the declaration that the path stands for
    somewhere: dict[str, Type] = {}


class Bodies:
    """The reader of bodies: `summaries` in the order in which they were finished."""

    def __init__(self, types: Types, editions: dict[str, int], known: Read | None = None) -> None:
        """Nothing is read yet but what is `known`; `editions` by crate."""
        self._types = types
        self._editions = editions
        self._started: set[str] = set()
        self._pending: list[Function] = []
        self._asking: list[str] = []
        self.found = known if known is not None else Read(Lazy({}), Lazy({}))

    def read(self, functions: Iterable[Function]) -> Read:
        """Lower functions, what they call first."""
        for function in functions:
            self._summarise(function)
        return self.found

    def _summarise(self, function: Function) -> None:
        found, pending = self.found, self._pending
        pending.append(function)
        while pending:
            current = pending[-1]
            path = current.path
            if path in found.summaries:
                pending.pop()
                continue
            self._started.add(path)
            self._asking = []
            edition = self._editions.get(current.module.crate, 2021)
            try:
                summary, sites = lower(current, self._types, self._known, edition)
            except Unready as wanted:
                pending.append(wanted.function)
                continue
            found.summaries[path] = summary
            found.sites[path] = sites
            found.facts[path] = Fact.of(summary)
            found.asked[path] = self._asking
            if self._types.functions.get(path) is not current:
                found.delicate.add(path)
            pending.pop()

    def _known(self, function: Function) -> Summary | None:
        path = function.path
        known = self.found.summaries.get(path)
        if function.block is None:
            return known
        self._asking.append(path)
        if known is None:
            if path not in self._started:
                raise Unready(function)
            if self._pending[-1].path != path:
                paths = [one.path for one in self._pending]
                self.found.delicate.update(paths[paths.index(path) :] if path in paths else paths)
        return known


def read_bodies(
    ordered: list[Function],
    types: Types,
    editions: dict[str, int],
    known: Read | None = None,
    beside: Beside | None = None,
    spare: int = 0,
    meanwhile: Callable[[], object] = lambda: None,
) -> Read:
    """What `ordered` (callees first) and what they call tell, as if read in that order.

    What is `known` already is not read again. This process does something else `meanwhile`, which takes as
    long as `spare` bytes of bodies.
    """
    halves = _halves(ordered, spare) if known is None and beside is not None else None
    if halves is None:
        meanwhile()
    if known is not None:
        types.somewhere.update(known.somewhere)
        kept = Read(
            lazily(known.summaries).only(known.summaries),
            lazily(known.sites).only(known.sites),
            dict(known.facts),
            dict(known.asked),
        )
        own = Bodies(types, editions, kept).read(ordered)
        both = merged(ordered, own, Read())
        return both if both is not None else Bodies(types, editions).read(ordered)
    if halves is None or beside is None:
        return Bodies(types, editions).read(ordered)
    here, there = halves
    files = {file.path: file for file in types.modules.files.values()}
    with beside(lambda: _packed(Bodies(types, editions).read(there), types)) as result:
        meanwhile()
        own = Bodies(types, editions).read(here)
        packed = result()
    other = _unpacked(packed, files) if packed is not None else None
    both = merged(ordered, own, other) if other is not None else None
    if both is None or other is None:
        return Bodies(types, editions).read(ordered)
    types.somewhere.update(other.somewhere)
    return both


def _halves(ordered: list[Function], spare: int) -> tuple[list[Function], list[Function]] | None:
    """Functions by whole files, neighbours together; None when the work is too little to divide.

    The first half is smaller: it leaves time for `spare`, and for unpacking what the other has read.
    """
    weights: dict[str, int] = {}
    for function in ordered:
        size = function.node.end_byte - function.node.start_byte
        weights[function.file.path] = weights.get(function.file.path, 0) + size
    total = sum(weights.values())
    if total < _WORTHWHILE:
        return None
    share = max(total * _UNPACKING - spare, 0) / 2
    first: set[str] = set()
    reached = 0
    for path in sorted(weights):
        if reached + weights[path] / 2 > share:
            break
        first.add(path)
        reached += weights[path]
    return (
        [function for function in ordered if function.file.path in first],
        [function for function in ordered if function.file.path not in first],
    )


def lazily(values: dict[str, V]) -> Lazy[V]:
    """The same dictionary, as one whose values may still have to be decoded."""
    return values if isinstance(values, Lazy) else Lazy(values)


def merged(ordered: Iterable[Function], one: Read, other: Read) -> Read | None:
    """What one reader of everything would have found, in its order; None when that cannot be told."""
    if one.summaries.keys() & other.summaries.keys() & (one.delicate | other.delicate):
        return None
    found, started = Read(delicate=one.delicate | other.delicate), set[str]()
    first = (one, lazily(one.summaries), lazily(one.sites))
    second = (other, lazily(other.summaries), lazily(other.sites))
    found.summaries, found.sites = Lazy({}, first[1].decode), Lazy({}, first[2].decode)
    for function in ordered:
        pending = [function.path]
        while pending:
            path = pending[-1]
            if path in found.summaries:
                pending.pop()
                continue
            started.add(path)
            side, summaries, sites = first if path in one.summaries else second
            if path not in summaries:
                return None
            wanted = next((callee for callee in side.asked[path] if callee not in started), None)
            if wanted is not None:
                pending.append(wanted)
                continue
            found.summaries[path] = summaries.as_is(path)
            found.sites[path] = sites.as_is(path)
            found.facts[path] = side.facts[path]
            found.asked[path] = side.asked[path]
            pending.pop()
    return found


# ---------------------------------------------------------------------- between processes


def _packed(found: Read, types: Types) -> bytes:
    """What was read, as bytes; a file goes as its path."""
    found.somewhere = types.somewhere
    return msgspec.msgpack.encode(found, enc_hook=path_of)


def path_of(one: object) -> str:
    """What stands for a file in bytes; all else in what was read is plain."""
    assert isinstance(one, SourceFile)
    return one.path


def _unpacked(packed: bytes, files: dict[str, SourceFile]) -> Read:
    """What the other process read, pointing into the files of this one."""
    return msgspec.msgpack.decode(packed, type=Read, dec_hook=lambda _, path: files[str(path)])


__all__ = ["Beside", "Bodies", "Fact", "Read", "lazily", "merged", "path_of", "read_bodies"]
