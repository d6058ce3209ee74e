"""The events of a function, ordered, and the values that flow between them.

Owns the intermediate representation that rules read. It must not know syntax. A body is a
small control-flow graph whose nodes are events; an edge is a predecessor id. Ids grow in
program order, so only a loop's back edge leads to a smaller id.

A *place* is an access path: a root and projections. `·` in the path marks the step through a
lock (or into an atomic), so the state is what stands before the last `·` and the rest says
which part of its content. Roots: `S:` managed type, `G:` static, `D:` table, `T:` some value of one of our
types, `P:` parameter of the enclosing function, `L:` a local.

A *dependence* is `(event, part)`: the value read by that event, or a part of it
(`used`, `len()`, `?` for its existence). Negative numbers stand for parameters until a call site
fills them in; so do negative guards.
"""

from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from deadheat.rust.db.query import Query
from deadheat.rust.syntax import SourceFile
from deadheat.rust.types import Type

THROUGH = "·"
CALLBACK = "callback:"  # mark where a function runs the closure it was given (as which parameter)
ASSUMED = "assumed"  # mark of an update whose answer is unwrapped
RELAXED = "relaxed"  # mark of an atomic access that orders nothing else
HANDED = "Success()"  # end of the part that a request guard hands to its handler
WRAPPED = "^"  # end of a part that lies in a struct of its own, whose field comes next
RETRY = "retry"  # mark where a closure begins that the update it ends with may run again
UNSYNCHRONISED = "∘"  # stands before `·` where no lock guards the content (`UnsafeCell`)

Dep = tuple[int, str]
Deps = frozenset[Dep]
NO_DEPS: Deps = frozenset()


def existence(deps: Deps) -> Deps:
    """What is learnt by asking whether a value is there at all (`?`, `Some(_)`), whatever it is."""
    return frozenset((event, part if "?" in part else f"{part}.?" if part else "?") for event, part in deps)


class Kind(StrEnum):
    """What an event is."""

    ACQUIRE = "acquire"
    RELEASE = "release"
    READ = "read"
    WRITE = "write"
    RMW = "rmw"
    AWAIT = "await"
    BRANCH = "branch"
    LOOP = "loop"
    RETURN = "return"  # of the body itself: the answer
    GIVE = "give"  # of a helper, to its caller
    SPAWN = "spawn"
    CALL = "call"  # an effect outside memory: `method` is its class (`outside`), `operation` its name
    SEND = "send"  # a message put into a channel
    BEGIN = "begin"  # a transaction: its guard ends with COMMIT, ROLLBACK or the scope
    NOP = "nop"


ACCESSES = frozenset({Kind.READ, Kind.WRITE, Kind.RMW})


class Mode(StrEnum):
    """How a lock is acquired."""

    EXCLUSIVE = "exclusive"
    SHARED = "shared"
    TRY = "try"


class Place(Struct, frozen=True, array_like=True, dict=True, cache_hash=True):
    """An access path."""

    root: str
    path: tuple[str, ...] = ()

    def then(self, *steps: str) -> "Place":
        """The place one or more projections further."""
        return Place(self.root, self.path + steps)

    @property
    def is_content(self) -> bool:
        """Whether the place lies behind a lock or in an atomic."""
        return THROUGH in self.path

    @cached_property
    def state(self) -> "Place":
        """The lock, atomic or map that guards the place (the place itself when nothing does)."""
        if THROUGH not in self.path:
            return self
        last = len(self.path) - 1 - self.path[::-1].index(THROUGH)
        return Place(self.root, self.path[:last])

    @cached_property
    def part(self) -> tuple[str, ...]:
        """Which part of the state's content the place is."""
        if THROUGH not in self.path:
            return ()
        last = len(self.path) - 1 - self.path[::-1].index(THROUGH)
        return self.path[last + 1 :]


class Where(Struct, frozen=True, array_like=True):
    """A byte range of a file."""

    file: SourceFile
    start: int
    end: int


class Event(Struct, gc=False, array_like=True):
    """One step of a body. `part` of a place tells what is touched, `deps` what flows in."""

    id: int
    kind: Kind
    where: Where
    function: str
    preds: tuple[int, ...]
    place: Place | None = None
    type: Type | None = None
    operation: str = ""
    method: str = ""
    mode: Mode = Mode.EXCLUSIVE
    guards: tuple[int, ...] = ()
    deps: Deps = NO_DEPS
    control: Deps = NO_DEPS
    via: tuple[Where, ...] = ()
    mark: str = ""  # how it is done: `map` guard, lock result `unwrap`ped, `let _`, `offloaded`
    query: Query | None = None  # of an access to a database
    selects: Deps = NO_DEPS  # what the rows were chosen by


class Value(Struct, frozen=True, gc=False, array_like=True):
    """What an expression evaluates to, as far as it matters.

    `place` is what it refers to; `guards` are the acquisitions through which the place is
    reached, and `owned` says that the value *is* (or contains) those guards; `key` names the
    value symbolically; `parts` are a tuple's elements.
    """

    type: Type | None = None
    place: Place | None = None
    guards: tuple[int, ...] = ()
    owned: bool = False
    deps: Deps = NO_DEPS
    key: str | None = None
    parts: "tuple[Value, ...]" = ()
    query: Query | None = None  # a database statement being built; `parts` are its bound values


NOTHING = Value()


class Summary(Struct, eq=False, dict=True, array_like=True):
    """What a function does, for its callers and for the rules."""

    function: str
    events: list[Event]
    exits: tuple[int, ...]
    result: Value
    parameters: tuple[str, ...] = ()
    parameter_types: tuple[Type | None, ...] = ()
    spawned: "tuple[Summary, ...]" = ()
    truncated: bool = False
    start: Where | None = None  # of a spawned body: the call that starts it
    inlined: frozenset[str] = frozenset()  # every function whose events were looked through

    @cached_property
    def roots(self) -> frozenset[str]:
        """The roots of all places that the function touches."""
        return frozenset(event.place.root for event in self.events if event.place is not None) | {
            root for body in self.spawned for root in body.roots
        }

    @cached_property
    def changes(self) -> bool:
        """Whether the function itself (not a helper of it) writes: only then its answer is asked about."""
        return any(event.kind in (Kind.WRITE, Kind.RMW) and not event.via for event in self.events)

    @cached_property
    def callbacks(self) -> frozenset[int]:
        """The parameters that are closures, run on content that is shared."""
        return frozenset(
            int(event.mark.removeprefix(CALLBACK)) for event in self.events
            if event.mark.startswith(CALLBACK) and not event.via
        )  # fmt: skip

    @property
    def matters(self) -> bool:
        """Whether the function touches anything that could be shared."""
        return bool(self.roots) or self.acts

    @cached_property
    def acts(self) -> bool:
        """Whether it does something outside memory: waits, asks another service, draws a fresh value."""
        return any(event.kind is Kind.CALL for event in self.events)

    def matters_for(self, arguments: list[Value]) -> bool:
        """Whether it does when called with these arguments."""
        if self.acts:
            return True
        for root in self.roots:
            if not root.startswith("P:"):
                return True
            number = int(root[2:])
            if number < len(arguments) and arguments[number].place is not None:
                return True
        return any(value.owned for value in arguments)


def part_of(base: tuple[str, ...], suffix: str) -> tuple[str, ...]:
    """A place's part extended by a dependence's part."""
    return base + tuple(piece for piece in suffix.split(".") if piece)


def touches(fact: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether a write to `part` can make a known fact wrong.

    That something exists (`?`) is changed by whoever puts in or takes out the whole of it, not
    by a change of one of its fields.
    """
    if "?" not in fact:
        return overlap(fact, part)
    base = fact[: fact.index("?")]
    return (len(part) <= len(base) or any(step.endswith("()") for step in base)) and overlap(base, part)


def overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two parts of one state can be the same memory: one is a prefix of the other.

    Keys are compared as they are written: `[code]` and `[code]` are one entry, `[from]` and
    `[to]` two, `[*]` any.
    """
    for left, right in zip(one, other, strict=False):
        if left == right or "[*]" in (left, right):
            continue
        # What a method tells (`len()`) may depend on any part.
        return left.endswith("()") or right.endswith("()")
    return True
