"""What is alive at a point of a function while it is lowered: variables, temporaries and their guards.

Owns the events so far and where control is among them, the binding of names and the lifetime of guards.
It must not know how control splits or joins (`builder`), nor expressions. Lifetimes follow the Rust
reference, "Destructors": a guard that a variable owns is released at the end of its scope, when moved, or
by `drop`; a temporary at the end of its temporary scope.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tree_sitter import Node

from deadheat.rust.ir import NO_DEPS, THROUGH, Deps, Event, Kind, Mode, Place, Value, Where
from deadheat.rust.items import Function
from deadheat.rust.lower.values import Binding, with_deps
from deadheat.rust.types import Type


class Lifetimes:
    """The events of one function, and what lives at the last of them."""

    def __init__(self, function: Function) -> None:
        """Begin with no event, in the outermost scope."""
        self.function = function
        self.file = function.file
        self.shift = function.shift
        self.events: list[Event] = []
        self.frontier: tuple[int, ...] = ()
        self.control: Deps = NO_DEPS
        self.scopes: list[dict[str, Binding]] = [{}]
        self.temporaries: list[list[int]] = [[]]
        self.offloaded = False  # inside `spawn_blocking` and its like: on a thread that may wait
        self.pinned: Where | None = None  # inside an expanded macro: all of it happens at its call

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

    def holds_guards(self) -> bool:
        """Whether a guard could be live."""
        return any(self.temporaries) or any(
            binding.owned for scope in self.scopes for binding in scope.values()
        )

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
