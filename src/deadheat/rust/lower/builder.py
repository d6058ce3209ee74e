"""The state of one function while it is lowered: the graph so far, the scopes, the live guards.

Owns the graph's shape (frontier, joins, loops, exits), the binding of names and the lifetime of
guards. It must not know expressions. Lifetimes follow the Rust reference, "Destructors": a guard
that a variable owns is released at the end of its scope, when moved, or by `drop`; a temporary
at the end of its temporary scope. Branches work on copies of the scopes, which are merged where
control joins; a guard dropped on one path only stays released on that path, because the lock set
is later computed over the graph.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.ir import (
    NO_DEPS,
    NOTHING,
    THROUGH,
    UNSYNCHRONISED,
    Deps,
    Event,
    Kind,
    Mode,
    Place,
    Summary,
    Value,
    Where,
    existence,
)
from deadheat.rust.items import Function
from deadheat.rust.lower.sites import FoundSite, note_plain
from deadheat.rust.lower.values import Binding, merge_scopes, merge_values, with_deps
from deadheat.rust.types import Type, Types, is_synchronised, peel

LARGEST = 2500  # events of one body: some thousand statements, more than a person writes


class Loop(Struct):
    """An enclosing loop: where `continue` goes, and what left it by `break`."""

    label: str
    head: int
    scopes: int
    temporaries: int
    breaks: list[int] = []
    environments: list[list[dict[str, Binding]]] = []
    value: Value = NOTHING


class Frame(Struct):
    """What `return` and `?` leave: the function itself, or a closure or async block in it."""

    scopes: int
    temporaries: int
    exits: list[int] = []
    result: Value = NOTHING
    returned: bool = False


class Lowering:
    """One function being lowered."""

    def __init__(
        self,
        function: Function,
        types: Types,
        summaries: "Callable[[Function], Summary | None]",
        edition: int,
    ) -> None:
        """Start with an empty body; `summaries` gives what is known of a callee."""
        self.function = function
        self.module = function.module
        self.file = function.file
        self.shift = function.shift
        self.types = types
        self.summaries = summaries
        self.edition = edition
        self.self_type = types.owners.get(function.path)
        self.events: list[Event] = []
        self.frontier: tuple[int, ...] = ()
        self.control: Deps = NO_DEPS
        self.scopes: list[dict[str, Binding]] = [{}]
        self.temporaries: list[list[int]] = [[]]
        self.loops: list[Loop] = []
        self.frames: list[Frame] = [Frame(0, 0)]
        self.sites: list[FoundSite] = []
        self.sites_allowed = True
        self.spawned: list[Summary] = []
        self.depth = 0
        self.truncated = False
        self.inlined: set[str] = set()
        self.offloaded = False  # inside `spawn_blocking` and its like: on a thread that may wait
        self.expanding = 0  # macros within macros
        self.pinned: Where | None = None  # inside an expanded macro: all of it happens at its call
        self.transactions: list[int] = []  # database transactions around what is lowered now
        self.parameter_types: list[Type | None] = []
        self.emit(Kind.NOP, function.node)

    @cached_property
    def generics(self) -> dict[str, Type | None]:
        """The type parameters in scope."""
        return self.types.generics(self.function)

    # ------------------------------------------------------------------ graph

    def where(self, node: Node) -> Where:
        """The byte range of a node in the file."""
        if self.pinned is not None:
            return self.pinned
        return Where(self.file, node.start_byte + self.shift, node.end_byte + self.shift)

    def emit(
        self,
        kind: Kind,
        node: Node,
        *,
        place: Place | None = None,
        type: Type | None = None,
        operation: str = "",
        method: str = "",
        mode: Mode = Mode.EXCLUSIVE,
        guards: tuple[int, ...] = (),
        deps: Deps = NO_DEPS,
        mark: str = "",
    ) -> int:
        """Add an event after everything on the frontier; its id."""
        number = len(self.events)
        mark = mark or ("offloaded" if self.offloaded else "")
        self.events.append(
            Event(
                number, kind, self.where(node), self.function.path, self.frontier, place, type, operation,
                method, mode, guards, deps, self.control, (), mark,
            )
        )  # fmt: skip
        if self.frontier or number == 0:
            self.frontier = (number,)
        return number

    @property
    def reachable(self) -> bool:
        """Whether control can be here at all."""
        return bool(self.frontier)

    def fork(self, arms: Iterable[Callable[[], Value]], deps: Deps, node: Node) -> Value:
        """Run alternatives from one point and join them; `deps` decide which one runs."""
        self.emit(Kind.BRANCH, node, deps=deps)
        before, scopes, control = self.frontier, self.scopes, self.control
        results: list[Value] = []
        frontiers: list[int] = []
        environments: list[list[dict[str, Binding]]] = []
        diverged = False
        learnt: Deps = NO_DEPS  # by the early exits inside an arm, for whoever comes after it
        # A pattern that takes the scrutinee's guard takes it in its own arm only.
        temporaries, left = self.temporaries, [list[int]() for _ in self.temporaries]
        for arm in arms:
            self.frontier = before
            self.temporaries = [list(pending) for pending in temporaries]
            self.scopes = [dict(scope) for scope in scopes]
            self.control = control | deps
            result = arm()
            if self.frontier:
                learnt |= self.control - deps
                results.append(result)
                frontiers += [one for one in self.frontier if one not in frontiers]
                environments.append(self.scopes)
                for kept, pending in zip(left, self.temporaries, strict=True):
                    kept += [guard for guard in pending if guard not in kept]
            else:
                diverged = True
        self.temporaries = left if frontiers else temporaries
        self.frontier = tuple(frontiers)
        self.scopes = merge_scopes(environments) if environments else scopes
        if deps and environments:
            self._decided(scopes, environments, existence(deps))
        # Past an arm that left, whatever follows happens because the condition let it.
        self.control = control | learnt | deps if diverged else control | learnt
        if not results:
            return NOTHING
        joined = results[0]
        for other in results[1:]:
            joined = merge_values(joined, other)
        if len(results) > 1 and deps and any(result is not NOTHING for result in results):
            joined = with_deps(joined, joined.deps | deps)
        return joined

    def _decided(
        self,
        before: list[dict[str, Binding]],
        environments: list[list[dict[str, Binding]]],
        known: Deps,
    ) -> None:
        """What only one arm changed (`errors.add(…)`, `taken = true`) tells which arm was taken."""
        for level, scope in enumerate(before[: len(self.scopes)]):
            for name, old in scope.items():
                if any(one[level].get(name, old) is not old for one in environments if level < len(one)):
                    binding = self.scopes[level][name]
                    value = with_deps(binding.value, binding.value.deps | known)
                    self.scopes[level][name] = Binding(value, binding.owned)

    def loop(self, body: Callable[[], None], node: Node, label: str, *, may_skip: bool) -> Value:
        """Run `body` as a loop; `may_skip` when it can be left at its head."""
        head = self.emit(Kind.LOOP, node)
        control, before = self.control, [dict(scope) for scope in self.scopes]
        loop = Loop(label, head, len(self.scopes), len(self.temporaries))
        self.loops.append(loop)
        body()
        self.loops.pop()
        environments = list(loop.environments)
        if self.frontier:
            self._link(head, self.frontier)
            environments.append(self.scopes)
        leaving = list(loop.breaks)
        if may_skip:
            leaving.append(head)
            environments.append(before)
        self.frontier = tuple(dict.fromkeys(leaving))
        self.scopes = merge_scopes(environments) if environments else before
        self.control = control
        return loop.value

    def _link(self, head: int, sources: tuple[int, ...]) -> None:
        event = self.events[head]
        event.preds = tuple(dict.fromkeys(event.preds + sources))

    def leave_loop(self, node: Node, label: str, value: Value, *, again: bool) -> None:
        """`break` or `continue`: releases what the body owns, then jumps."""
        loop = next((one for one in reversed(self.loops) if not label or one.label == label), None)
        if loop is None:
            self.frontier = ()
            return
        self.unwind(loop.scopes, loop.temporaries, node, ())
        if again:
            self._link(loop.head, self.frontier)
        elif self.frontier:
            loop.breaks += self.frontier
            loop.environments.append([dict(scope) for scope in self.scopes[: loop.scopes]])
            loop.value = merge_values(loop.value, value) if loop.value is not NOTHING else value
        self.frontier = ()

    def leave(self, node: Node, value: Value) -> None:
        """`return`, or the end: releases everything but what the value takes along."""
        frame = self.frames[-1]
        keep = value.guards if value.owned else ()
        self.unwind(frame.scopes, frame.temporaries, node, keep)
        if not value.owned and any(guard >= 0 for guard in value.guards):
            value = self.detach(value)  # what outlives its guard was not borrowed from it
        if len(self.frames) == 1:
            self.emit(Kind.RETURN, node, deps=value.deps)
        if self.frontier:
            frame.exits += self.frontier
            # Which of several results it is tells what decided: `Err("taken")` knows of the look-up.
            value = with_deps(value, value.deps | self.control)
            frame.result = merge_values(frame.result, value) if frame.returned else value
            frame.returned = True
        self.frontier = ()

    def early_exit(self, node: Node, value: Value) -> None:
        """`?`: one path leaves with the error, the other goes on knowing that there was none."""
        if not value.deps and not self.holds_guards():
            return
        known = existence(value.deps)
        before = self.emit(Kind.BRANCH, node, deps=known)
        control = self.control
        self.control = control | known
        self.leave(node, Value(deps=known))
        self.frontier = (before,)
        self.control = control | known

    def holds_guards(self) -> bool:
        """Whether a guard could be live."""
        return any(self.temporaries) or any(
            binding.owned for scope in self.scopes for binding in scope.values()
        )

    # ------------------------------------------------------------------ guards

    def acquire(self, node: Node, place: Place, inner: Type | None, mode: Mode, operation: str) -> Value:
        """A lock acquisition; the guard is a temporary until something takes it."""
        guard = self.emit(
            Kind.ACQUIRE, node, place=place, type=inner, operation=operation,
            method=operation.rsplit("::", 1)[-1], mode=mode,
        )  # fmt: skip
        self.events[guard].guards = (guard,)
        self.temporaries[-1].append(guard)
        return Value(inner, place.then(THROUGH), (guard,), owned=True)

    def release(self, guards: Iterable[int], node: Node) -> None:
        """The end of guards, in the order given."""
        listed = tuple(guards)
        if listed and self.frontier:
            self.emit(Kind.RELEASE, node, guards=listed)

    def claim(self, value: Value) -> tuple[int, ...]:
        """Take the guards that a value owns away from whoever had them."""
        if not value.owned or not value.guards:
            return ()
        taken = set(value.guards)
        for pending in self.temporaries:
            pending[:] = [guard for guard in pending if guard not in taken]
        for scope in self.scopes:
            for name, binding in scope.items():
                if taken.intersection(binding.owned):
                    rest = tuple(guard for guard in binding.owned if guard not in taken)
                    scope[name] = Binding(binding.value, rest)
        return value.guards

    def unwind(self, scopes: int, temporaries: int, node: Node, keep: tuple[int, ...]) -> None:
        """Release what is owned above a depth, on this path only."""
        live = [guard for pending in self.temporaries[temporaries:] for guard in pending]
        for scope in self.scopes[scopes:]:
            for binding in scope.values():
                live += binding.owned
        self.release([guard for guard in reversed(live) if guard not in keep], node)

    def push_temporaries(self) -> None:
        """Enter a temporary scope."""
        self.temporaries.append([])

    def pop_temporaries(self, node: Node) -> None:
        """Leave a temporary scope: its guards are released."""
        self.release(reversed(self.temporaries.pop()), node)

    def push_scope(self) -> None:
        """Enter a block."""
        self.scopes.append({})

    def pop_scope(self, node: Node) -> None:
        """Leave a block: its variables are dropped, last declared first."""
        scope = self.scopes.pop()
        owned = [guard for binding in scope.values() for guard in binding.owned]
        self.release(reversed(owned), node)

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """What is lowered inside runs on a thread that may wait (`spawn_blocking`)."""
        before, self.offloaded = self.offloaded, True
        try:
            yield
        finally:
            self.offloaded = before

    # ------------------------------------------------------------------ names

    def declare(self, name: str, value: Value) -> None:
        """Bind a variable; one that it shadows lives on to the end of the scope."""
        owned = self.claim(value)
        scope = self.scopes[-1]
        shadowed = scope.pop(name, None)
        if shadowed is not None and shadowed.owned:
            scope[f"{name}'{len(scope)}"] = shadowed
        key = value.key or name
        scope[name] = Binding(
            Value(
                value.type, value.place, value.guards, bool(owned), value.deps, key, value.parts, value.query
            ),
            owned,
        )

    def lookup(self, name: str) -> Binding | None:
        """The variable of that name, innermost first."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def assign(self, name: str, value: Value, node: Node) -> bool:
        """`name = value`: what the variable owned is released; False when there is none."""
        for scope in reversed(self.scopes):
            if name in scope:
                old = scope[name].owned
                taken = self.claim(value)
                self.release(old, node)
                scope[name] = Binding(value, taken)
                return True
        return False

    def flow_into(self, name: str, deps: Deps) -> None:
        """`name op= …` and friends: the variable now also depends on `deps`."""
        for scope in reversed(self.scopes):
            if name in scope:
                binding = scope[name]
                scope[name] = Binding(with_deps(binding.value, binding.value.deps | deps), binding.owned)
                return

    # ------------------------------------------------------------------ values

    def is_content(self, value: Value) -> bool:
        """Whether using the value reads something that could be shared."""
        place = value.place
        if place is None:
            return False
        if place.is_content:
            return not is_synchronised(peel(value.type))
        if place.root.startswith("P:"):
            return not self.types.holds_locks(value.type)
        if place.root.startswith("G:"):
            static = self.types.statics.get(place.root[2:])
            return static is not None and (static.mutable or static.thread_local)
        return False

    def is_bare(self, place: Place) -> bool:
        """Whether nothing synchronises the place: a `static mut`, the inside of an `UnsafeCell`."""
        if UNSYNCHRONISED in place.path:
            return True
        static = self.types.statics.get(place.root[2:]) if place.root.startswith("G:") else None
        return static is not None and static.mutable and not place.is_content

    def has_just_read(self, value: Value) -> bool:
        """Whether the value is what a look-up of its very place gave (`map.get(key)`)."""
        return any(
            event >= 0 and self.events[event].kind is Kind.READ and self.events[event].place == value.place
            for event, _ in value.deps
        )

    def use(self, value: Value, node: Node) -> Value:
        """The value is needed: a place is read."""
        if not self.is_content(value):
            return value
        assert value.place is not None  # content is somewhere
        note_plain(self, node, value.place)
        event = self.emit(
            Kind.READ,
            node,
            place=value.place,
            type=value.type,
            operation=shape(node),
            method="read",
            guards=value.guards,
        )
        return Value(value.type, None, (), owned=False, deps=value.deps | {(event, "")}, key=value.key)

    def detach(self, value: Value) -> Value:
        """A value copied out from behind its guard: an `Arc` or `&'static` still names its target."""
        inner = peel(value.type)
        place: Place | None = None
        if is_synchronised(inner):
            place = value.place
        elif inner is not None and inner.name in self.types.items and self.types.holds_locks(inner):
            place = Place(self.types.some(inner))
        return Value(value.type, place, (), owned=False, deps=value.deps, key=value.key)


_SHOWN = 44


def shape(node: Node) -> str:
    """An expression in a few characters, for people."""
    text = " ".join((node.text or b"").decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
