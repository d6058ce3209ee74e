"""What runs concurrently: one event graph for each, helpers and request guards looked through.

Owns which functions those are (handlers, what Rocket runs around them, tasks, whatever nobody calls) and
the making of their graphs from summaries, in canonical places. A graph that an earlier reading left is
taken over when none of the functions in it, and none of the guards before it, has changed since. It must
not know any rule.
"""

import re
from collections.abc import Callable, Mapping, Set
from functools import cached_property

from msgspec import Struct

from deadheat.model import Handler
from deadheat.rust.bodies import Fact
from deadheat.rust.contexts import spawned_once, starts
from deadheat.rust.flow import Flow
from deadheat.rust.ir import (
    ACCESSES,
    HANDED,
    NO_DEPS,
    THROUGH,
    WRAPPED,
    Dep,
    Deps,
    Event,
    Kind,
    Place,
    Summary,
    Value,
    Where,
)
from deadheat.rust.items import Function
from deadheat.rust.kept import Graph, Graphs
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.inline import enter, inline
from deadheat.rust.routes import Route
from deadheat.rust.states import States
from deadheat.rust.syntax import text_of
from deadheat.rust.types import Type, Types, is_synchronised, peel


class Root(Struct, eq=False, dict=True):
    """Something that runs concurrently with others and with itself.

    `handler` is None for a function that no handler reaches; `task` marks what a handler
    starts and does not wait for. All places are canonical; ids are positions.
    """

    function: Function
    handler: Handler | None
    events: list[Event]
    task: bool = False
    truncated: bool = False
    functions: frozenset[str] = frozenset()  # whose events these are
    entry: int = 0  # the first event of the body itself: those before it are its guards'
    role: str = ""  # of what Rocket runs without a route: a fairing, a catcher, a guard
    start: Where | None = None  # of a task: the call that starts it
    once: bool = False  # the program's start, or a task that only that sets going

    @cached_property
    def flow(self) -> Flow:
        """The data flow over the events."""
        return Flow(self.events)

    @cached_property
    def acquired(self) -> list[Event]:
        """What takes guards."""
        return [event for event in self.events if event.kind is Kind.ACQUIRE]

    @cached_property
    def locked(self) -> list[Event]:
        """The accesses to what a lock guards, through that lock."""
        return [
            event for event in self.events
            if event.kind in ACCESSES and self.flow.is_live(event) and self.is_locked(event)
        ]  # fmt: skip

    def is_locked(self, event: Event) -> bool:
        """Whether the access is to what a lock guards, through that lock."""
        if event.place is None or THROUGH not in event.place.path:
            return False
        state, events = event.place.state, self.events
        for guard in event.guards:
            if guard < len(events) and events[guard].kind is Kind.ACQUIRE and events[guard].place == state:
                return True
        return False

    @property
    def serves(self) -> bool:
        """Whether requests run it: a handler, or what Rocket runs around handlers."""
        return self.handler is not None or bool(self.role)

    @property
    def id(self) -> str:
        """The handler's id, or the function's path."""
        return self.handler.id if self.handler is not None else self.function.path


class Roots:
    """The maker of all roots of a program: `found`, and `graphs` for the next reading."""

    def __init__(
        self,
        types: Types,
        states: States,
        summaries: Mapping[str, Summary],
        earlier: Mapping[str, Graphs],
        taken: Set[str],
    ) -> None:
        """`earlier` are graphs of functions, which hold for those that were `taken` over."""
        self._types, self._states, self._summaries = types, states, summaries
        self._earlier, self._taken = earlier, taken
        self.found: list[Root] = []
        self.graphs: dict[str, Graphs] = {}

    def make(self, listed: list[Route], facts: Mapping[str, Fact]) -> None:
        """Make those of handlers, then those of functions that no handler reaches and nobody calls."""
        for route in listed:
            self._handler_root(route)
        handlers = {route.function.path for route in listed}
        reached = set[str]().union(*(root.functions for root in self.found))
        called = set[str]().union(*(fact.inlined for fact in facts.values()))
        compile_time = self._types.modules.compile_time
        for path, fact in facts.items():
            function = self._types.functions.get(path)
            if function is None or path in handlers or path in reached or path in called:
                continue
            if fact.matters and function.module.crate not in compile_time:
                self._root(function, None, {})

    def _handler_root(self, route: Route) -> None:
        """Request guards run before the handler, on the same request: their events come first."""
        known = self._earlier.get(route.function.path)
        # What was taken over was read in the same declarations, which say what the guards are.
        if known is not None and {route.function.path, *known.guards} <= self._taken:
            self._take(route.function, route.handler, known)
            return
        guards: dict[int, Function] = {}
        offset = 1 if route.function.receiver else 0
        for index, node in enumerate(route.function.parameters()):
            declared = self._types.read(node.child_by_field_name("type"), route.function.module)
            while declared is not None and declared.short in ("Option", "Result") and declared.args:
                declared = declared.args[0]
            for trait, name in (("FromRequest", "from_request"), ("FromData", "from_data")):
                block = self._types.implements.get((declared.name, trait)) if declared is not None else None
                for function in block.functions if block is not None else ():
                    if function.name == name:
                        guards.setdefault(index + offset, function)
        # Whatever reads the body runs last, when all request guards have agreed.
        ordered = sorted(guards.items(), key=lambda item: item[1].name == "from_data")
        self._root(route.function, route.handler, dict(ordered))

    def _root(self, function: Function, handler: Handler | None, guards: dict[int, Function]) -> None:
        before = tuple(guard.path for guard in guards.values())
        known = self._earlier.get(function.path)
        if known is not None and known.guards == before and {function.path, *before} <= self._taken:
            self._take(function, handler, known)
        else:
            self._add(function, handler, Graphs(before, self._graphs(function, handler, guards)))

    def _take(self, function: Function, handler: Handler | None, known: Graphs) -> None:
        """The graphs that were made when nothing in them was different."""
        for graph in known.graphs:
            for event in graph.events:
                if event.query is not None and event.place is not None:
                    self._states.stores.setdefault(event.place.root, event.query.store)
        self._add(function, handler, known)

    def _add(self, function: Function, handler: Handler | None, known: Graphs) -> None:
        self.graphs[function.path] = known
        role = _role(function)
        self.found += [
            Root(
                function, handler, graph.events, graph.task, graph.truncated, frozenset(graph.functions),
                graph.entry, "" if graph.task else role, graph.start, graph.once,
            )
            for graph in known.graphs
        ]  # fmt: skip

    def _graphs(
        self, function: Function, handler: Handler | None, guards: dict[int, Function]
    ) -> list[Graph]:
        summary = self._summaries[function.path]
        low = Lowering(function, self._types, lambda _: None, 2021)
        given: dict[int, Value] = {}
        for index, guard in guards.items():
            before = self._summaries.get(guard.path)
            if before is not None and before.matters:
                first = len(low.events)
                value = inline(low, function.node, before, [Value()] * 2, ["request", "request"])
                _name_keys(low.events[first:], summary.parameters[index], lambda key: not key.isdigit())
                given[index] = Value(
                    deps=self._handed(low.events, value.deps, peel(summary.parameter_types[index]))
                )
                low.control |= frozenset(dep for dep in value.deps if not dep[1].endswith(HANDED))
        arguments: list[Value] = []
        for index, declared in enumerate(summary.parameter_types):
            inner = peel(declared)
            known = inner is not None and (self._types.holds_locks(inner) or is_synchronised(inner))
            place = Place(self._types.some(inner)) if known and inner is not None else None
            deps = given[index].deps if index in given else NO_DEPS
            arguments.append(Value(declared, place, deps=deps, key=summary.parameters[index]))
        entry = len(low.events)
        enter(low, summary, arguments, list(summary.parameters))
        for index in given:
            name = summary.parameters[index]
            _name_keys(low.events[entry:], name, re.compile(rf"[&*]*{re.escape(name)}(?:\..*)?$").match)
        if given:
            _unwrap(low.events[entry:])
        events = [self._canonical(event) for event in low.events]
        functions = tuple(sorted(low.inlined))
        once = handler is None and starts(function)
        truncated = low.truncated or summary.truncated
        graphs = [Graph(events, False, truncated, functions, entry, None, once)]
        tasks = list(low.spawned)
        while tasks:
            task = tasks.pop()
            tasks += task.spawned
            inside = [self._canonical(event) for event in task.events]
            if any(event.place or event.kind is Kind.CALL for event in inside):
                again = once and spawned_once(function, task.start)
                graphs.append(Graph(inside, True, task.truncated, (), 0, task.start, again))
        return graphs

    def _handed(self, events: list[Event], deps: Deps, declared: Type | None) -> Deps:
        """What a handler knows through a guard's value: mostly a struct around what was looked up."""
        if declared is None or declared.name not in self._types.items:
            return frozenset((event, part.removesuffix(HANDED).rstrip(".")) for event, part in deps)
        found: set[Dep] = set()
        for event, part in deps:
            inner = part.removesuffix(HANDED).rstrip(".")
            kept = peel(events[event].type)
            plain = kept is not None and declared in (kept, *map(peel, kept.args))
            found.add((event, inner if plain else f"{inner}.{WRAPPED}".lstrip(".")))
        return frozenset(found)

    def _canonical(self, event: Event) -> Event:
        place = event.place
        if place is None:
            return event
        place = self._states.canonical(place)
        if not self._states.is_shared(place) or (event.kind in ACCESSES and not self._is_state(place)):
            event.kind, event.place = Kind.NOP, None
        else:
            event.place = place
            if event.query is not None:
                self._states.stores.setdefault(place.root, event.query.store)
        return event

    def _is_state(self, place: Place) -> bool:
        if place.is_content or place.root == "F:":
            return True
        static = self._types.statics.get(place.root[2:]) if place.root.startswith("G:") else None
        return static is not None and (static.mutable or static.thread_local)


def is_key(step: str) -> bool:
    """Whether a step of a path is a key that some variable holds."""
    return step.startswith("[") and step != "[*]" and step[1] not in "\"'"


def _name_keys(events: list[Event], name: str, applies: Callable[[str], object]) -> None:
    """What a guard looked up is called after the guard's parameter, there and in the handler.

    `users.get(&id)` in the guard of `user: User` and `users.get(&user.id)` in the handler name
    one entry; the names alone would not tell.
    """
    for event in events:
        place = event.place
        if place is None or not any(step.startswith("[") for step in place.path):
            continue
        path = tuple(f"[{name}]" if is_key(step) and applies(step[1:-1]) else step for step in place.path)
        if path != place.path:
            event.place = Place(place.root, path)


def _unwrap(events: list[Event]) -> None:
    """What was asked for as a whole is known as a whole."""

    def plain(deps: Deps) -> Deps:
        if not any(part.endswith(WRAPPED) for _, part in deps):
            return deps
        return frozenset((event, part.removesuffix(WRAPPED).rstrip(".")) for event, part in deps)

    for event in events:
        event.deps, event.control, event.selects = (
            plain(event.deps),
            plain(event.control),
            plain(event.selects),
        )


_ROLES = {
    "Fairing": "fairing", "FromRequest": "request guard", "FromData": "data guard", "FromForm": "form guard",
    "FromFormField": "form guard", "Responder": "responder", "Handler": "handler", "FromParam": "path guard",
}  # fmt: skip


def _role(function: Function) -> str:
    """What Rocket takes a function without a route for; empty when requests do not run it."""
    for attribute in function.attributes:
        if text_of(attribute).split("(")[0].rsplit("::", 1)[-1] == "catch":
            return "catcher"
    if function.trait is None or function.name in ("on_ignite", "on_liftoff", "info", "on_shutdown"):
        return ""
    trait = text_of(function.trait).split("<")[0].rsplit("::", 1)[-1]
    return _ROLES.get(trait, "")


__all__ = ["Root", "Roots", "is_key"]
