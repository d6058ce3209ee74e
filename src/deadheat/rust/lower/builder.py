"""The state of one function while it is lowered: the shape of its graph, and what its values are.

Owns how control splits, joins, loops and leaves, and when a value is read. It must not know expressions.
Branches work on copies of the scopes, which are merged where control joins; a guard dropped on one path
only stays released on that path, because the lock set is later computed over the graph.
"""

from collections.abc import Callable, Iterable
from functools import cached_property

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.ir import (
    NO_DEPS,
    NOTHING,
    UNSYNCHRONISED,
    Deps,
    Kind,
    Place,
    Summary,
    Value,
    existence,
)
from deadheat.rust.items import Function
from deadheat.rust.lower.lifetimes import Lifetimes
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


class Lowering(Lifetimes):
    """One function being lowered."""

    def __init__(
        self,
        function: Function,
        types: Types,
        summaries: "Callable[[Function], Summary | None]",
        edition: int,
    ) -> None:
        """Start with an empty body; `summaries` gives what is known of a callee."""
        super().__init__(function)
        self.module = function.module
        self.types = types
        self.summaries = summaries
        self.edition = edition
        self.self_type = types.owners.get(function.path)
        self.loops: list[Loop] = []
        self.frames: list[Frame] = [Frame(0, 0)]
        self.sites: list[FoundSite] = []
        self.sites_allowed = True
        self.spawned: list[Summary] = []
        self.depth = 0
        self.truncated = False
        self.inlined: set[str] = set()
        self.expanding = 0  # macros within macros
        self.transactions: list[int] = []  # database transactions around what is lowered now
        self.parameter_types: list[Type | None] = []
        self.emit(Kind.NOP, function.node)

    @cached_property
    def generics(self) -> dict[str, Type | None]:
        """The type parameters in scope."""
        return self.types.generics(self.function)

    # ------------------------------------------------------------------ graph

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
        deps = value.deps | {(event, "")}
        if is_synchronised(_content(value.type)):  # an `Arc` of a lock: what it names is still shared
            return Value(value.type, value.place, (), owned=False, deps=deps, key=value.key)
        return Value(value.type, None, (), owned=False, deps=deps, key=value.key)

    def detach(self, value: Value) -> Value:
        """A value copied out from behind its guard: an `Arc` or `&'static` still names its target."""
        inner = _content(value.type)
        place: Place | None = None
        if is_synchronised(inner):
            place = value.place
        elif inner is not None and inner.name in self.types.items and self.types.holds_locks(inner):
            place = Place(self.types.some(inner))
        return Value(value.type, place, (), owned=False, deps=value.deps, key=value.key)


def _content(declared: Type | None) -> Type | None:
    """The type behind smart pointers, where there is one (`Option<Arc<Mutex<_>>>`)."""
    inner = peel(declared)
    while inner is not None and inner.short in ("Option", "Result") and inner.args:
        inner = peel(inner.args[0])
    return inner


_SHOWN = 44


def shape(node: Node) -> str:
    """An expression in a few characters, for people."""
    text = " ".join((node.text or b"").decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
