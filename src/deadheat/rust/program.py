"""A whole program read: handlers, their event graphs, states, accesses, sites.

Owns the order of work: modules → types → routes → bodies (callees before callers, on demand) →
roots, one event graph for everything that can run concurrently, with the helpers' events in it
→ states and the review. It must not know any rule.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from deadheat.model import Access, AccessKind, Handler, Review, SharedState, Site, Span, Under
from deadheat.rust.bodies import Beside, read_bodies
from deadheat.rust.calling import callees_first
from deadheat.rust.contexts import spawned_once, starts
from deadheat.rust.db.schema import Schema, diesel_tables
from deadheat.rust.flow import Flow
from deadheat.rust.ir import ACCESSES, NO_DEPS, Event, Kind, Place, Value, Where
from deadheat.rust.items import Function
from deadheat.rust.kept import Kept, Reading
from deadheat.rust.lower.builder import Lowering
from deadheat.rust.lower.inline import enter, inline
from deadheat.rust.lower.managed import state_key
from deadheat.rust.modules import Modules
from deadheat.rust.routes import Route, routes
from deadheat.rust.states import States
from deadheat.rust.syntax import SourceFile, text_of
from deadheat.rust.tree import SourceTree
from deadheat.rust.types import Type, Types, argument, is_synchronised, peel

_MOSTLY_BROKEN = 0.5
_ACCESS_KINDS = {
    Kind.READ: AccessKind.READ,
    Kind.WRITE: AccessKind.WRITE,
    Kind.RMW: AccessKind.RMW,
    Kind.ACQUIRE: AccessKind.ACQUIRE,
    Kind.RELEASE: AccessKind.RELEASE,
    Kind.SEND: AccessKind.WRITE,
}


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

    @property
    def serves(self) -> bool:
        """Whether requests run it: a handler, or what Rocket runs around handlers."""
        return self.handler is not None or bool(self.role)

    @property
    def id(self) -> str:
        """The handler's id, or the function's path."""
        return self.handler.id if self.handler is not None else self.function.path


class Program:
    """Everything the rules and the probes ask about."""

    def __init__(
        self,
        tree: SourceTree,
        beside: Beside | None = None,
        before: bytes | Kept | None = None,
        parsed: Mapping[str, SourceFile] | None = None,
    ) -> None:
        """Read a source tree; nothing in it is fatal.

        `beside` gives a second process; `before` is what an earlier reading left (`keep`), in this process
        together with the files it had `parsed`.
        """
        self.tree = tree
        self.modules = Modules(tree, parsed)
        self.types = Types(self.modules)
        self.types.tables = diesel_tables(tree.files)
        self._routes: list[Route] = routes(self.types)
        self._reading = Reading(self.types, tree.manifests, before) if before is not None else None
        self._read = read_bodies(
            list(callees_first(self.types.functions.values())),
            self.types,
            self.modules.editions,
            self._reading.known if self._reading is not None else None,
            beside,
        )
        self.summaries = self._read.summaries
        self.states = States(self.types, self._managed())
        self.roots: tuple[Root, ...] = tuple(self._roots())
        self.review: Review = self._review()

    @cached_property
    def schema(self) -> Schema:
        """The tables, as they stand after all migrations."""
        return Schema(self.tree.files, self.tree.sql)

    def keep(self) -> Kept:
        """What the next reading of a similar tree is to be given as `before`."""
        reading = self._reading or Reading(self.types, self.tree.manifests, None)
        return reading.keep(self._read)

    # ------------------------------------------------------------------ roots

    def _managed(self) -> dict[str, tuple[Type, str]]:
        """Managed types, from the `State<T>` parameters that ask for them."""
        found: dict[str, tuple[Type, str]] = {}
        for function in self.types.functions.values():
            for node in function.parameters():
                written = node.child_by_field_name("type")
                if written is None or b"State" not in (written.text or b""):
                    continue
                declared = self.types.read(written, function.module, self.types.owners.get(function.path))
                inner = argument(declared) if declared is not None and declared.short == "State" else None
                if inner is not None:
                    name = _state_name(text_of(written), inner)
                    found.setdefault(state_key(inner), (inner, name))
        for summary in self.summaries.values():
            for event in summary.events:
                place = event.place
                if place is not None and place.root.startswith("S:") and place.root[2:] not in found:
                    inner = Type(place.root[2:].split("<")[0])
                    found[place.root[2:]] = (inner, inner.short)
        return found

    def _roots(self) -> list[Root]:
        found: list[Root] = []
        reached: set[str] = set()
        for route in self._routes:
            root = self._handler_root(route)
            found += root
            for one in root:
                reached |= one.functions
        handlers = {route.function.path for route in self._routes}
        called: set[str] = set()
        for path, summary in self.summaries.items():
            called |= summary.inlined - {path}
        for path, summary in self.summaries.items():
            function = self.types.functions.get(path)
            if function is None or path in handlers or path in reached or path in called:
                continue
            if function.module.crate in self.modules.compile_time:
                continue
            if summary.matters or summary.spawned:
                found += self._root(function, None, {}, NO_DEPS)
        return found

    def _handler_root(self, route: Route) -> list[Root]:
        """Request guards run before the handler, on the same request: their events come first."""
        guards: dict[int, Function] = {}
        offset = 1 if route.function.receiver else 0
        for index, node in enumerate(route.function.parameters()):
            declared = self.types.read(node.child_by_field_name("type"), route.function.module)
            while declared is not None and declared.short in ("Option", "Result") and declared.args:
                declared = declared.args[0]
            for trait, name in (("FromRequest", "from_request"), ("FromData", "from_data")):
                block = self.types.implements.get((declared.name, trait)) if declared is not None else None
                for function in block.functions if block is not None else ():
                    if function.name == name:
                        guards.setdefault(index + offset, function)
        # Whatever reads the body runs last, when all request guards have agreed.
        ordered = sorted(guards.items(), key=lambda item: item[1].name == "from_data")
        return self._root(route.function, route.handler, dict(ordered), NO_DEPS)

    def _root(
        self,
        function: Function,
        handler: Handler | None,
        guards: dict[int, Function],
        control: frozenset[tuple[int, str]],
    ) -> list[Root]:
        summary = self.summaries[function.path]
        low = Lowering(function, self.types, lambda _: None, 2021)
        low.control = control
        given: dict[int, Value] = {}
        for index, guard in guards.items():
            before = self.summaries.get(guard.path)
            if before is not None and before.matters:
                first = len(low.events)
                value = inline(low, function.node, before, [Value()] * 2, ["request", "request"])
                _name_keys(low.events[first:], summary.parameters[index], lambda key: not key.isdigit())
                given[index] = Value(deps=value.deps)
                low.control = low.control | value.deps
        arguments: list[Value] = []
        for index, declared in enumerate(summary.parameter_types):
            inner = peel(declared)
            known = inner is not None and (self.types.holds_locks(inner) or is_synchronised(inner))
            place = Place(self.types.some(inner)) if known and inner is not None else None
            deps = given[index].deps if index in given else NO_DEPS
            arguments.append(Value(declared, place, deps=deps, key=summary.parameters[index]))
        entry = len(low.events)
        enter(low, summary, arguments, list(summary.parameters))
        for index in given:
            name = summary.parameters[index]
            _name_keys(low.events[entry:], name, re.compile(rf"[&*]*{re.escape(name)}(?:\..*)?$").match)
        events = [self._canonical(event) for event in low.events]
        functions = frozenset(low.inlined)
        once = handler is None and starts(function)
        truncated = low.truncated or summary.truncated
        role = _role(function)
        roots = [Root(function, handler, events, False, truncated, functions, entry, role, once=once)]
        tasks = list(low.spawned)
        while tasks:
            task = tasks.pop()
            tasks += task.spawned
            inside = [self._canonical(event) for event in task.events]
            roots.append(
                Root(
                    function,
                    handler,
                    inside,
                    task=True,
                    truncated=task.truncated,
                    start=task.start,
                    once=once and spawned_once(function, task.start),
                )
            )
        return [
            root
            for root in roots
            if not root.task or any(event.place or event.kind is Kind.CALL for event in root.events)
        ]

    def _canonical(self, event: Event) -> Event:
        place = event.place
        if place is None:
            return event
        place = self.states.canonical(place)
        if not self.states.is_shared(place) or (event.kind in ACCESSES and not self._is_state(place)):
            event.kind, event.place = Kind.NOP, None
        else:
            event.place = place
            if event.query is not None:
                self.states.stores.setdefault(place.root, event.query.store)
        return event

    def _is_state(self, place: Place) -> bool:
        if place.is_content or place.root == "F:":
            return True
        static = self.types.statics.get(place.root[2:]) if place.root.startswith("G:") else None
        return static is not None and (static.mutable or static.thread_local)

    # ------------------------------------------------------------------ what others read

    def span(self, where: Where) -> Span:
        """The place of a byte range."""
        return where.file.span(where.start, where.end)

    def state_of(self, place: Place, seen: Type | None = None) -> SharedState:
        """The shared state that a canonical place belongs to."""
        return self.states.state(place.state, seen)

    def access(self, root: Root, event: Event) -> Access:
        """An event as the vocabulary says it."""
        place = event.place
        if event.kind is Kind.RELEASE:
            place = root.events[event.guards[0]].place if event.guards else None
        state = self.state_of(place, event.type).id if place is not None else ""
        held = [
            self.state_of(guard.place).id
            for guard in root.flow.held(event, surely=True)
            if guard.place is not None
        ]
        key = next(
            (step[1:-1] for step in (place.part if place is not None else ()) if step.startswith("[")), None
        )
        return Access(
            root.id,
            state,
            _ACCESS_KINDS[event.kind],
            self.span(event.where),
            event.operation,
            self._under(root, event, held),
            tuple(self.span(where) for where in event.via),
            None if key == "*" else key,
        )

    def _under(self, root: Root, event: Event, held: list[str]) -> Under:
        """What protects an access: locks, the transaction it is in, its conditions."""
        query = event.query
        if query is None:
            return Under(tuple(dict.fromkeys(held)))
        guards = [root.events[guard] for guard in event.guards if guard >= 0]
        begun = next((guard for guard in guards if guard.kind is Kind.BEGIN), None)
        where = " AND ".join(f"{one.column} {one.operator} {one.key or '…'}" for one in query.where)
        transaction = (begun.operation or "default isolation") if begun is not None else None
        return Under(tuple(dict.fromkeys(held)), transaction, where or None)

    def _review(self) -> Review:
        accesses: list[Access] = []
        states: dict[str, SharedState] = {}
        for root in self.roots:
            for event in root.events:
                if event.place is None or event.kind not in _ACCESS_KINDS or not root.flow.is_live(event):
                    continue
                state = self.state_of(event.place, event.type)
                states[state.id] = state
                if root.handler is not None:
                    accesses.append(self.access(root, event))
        for place in self.states.declared():
            state = self.states.state(place, None)
            states.setdefault(state.id, state)
        skipped = list(self.tree.unreadable)
        for file in self.modules.files.values():
            share = file.broken_share()
            if share > _MOSTLY_BROKEN:
                skipped.append((file.path, f"{share:.0%} of it is not Rust that can be read"))
        for root in self.roots:
            if root.truncated:
                line = root.function.file.line(root.function.node.start_byte + root.function.shift)
                reason = f"`{root.function.name}` (line {line}) is too large or too deep to be read in full"
                skipped.append((root.function.file.path, reason))
        skipped = list(dict.fromkeys(skipped))
        versions = [p.rocket for p in self.modules.packages if p.rocket is not None]
        return Review(
            tuple(route.handler for route in self._routes),
            tuple(sorted(states.values(), key=lambda state: (state.path, state.id))),
            tuple(dict.fromkeys(accesses)),
            tuple(skipped),
            len(self.modules.files),
            sum(file.lines for file in self.modules.files.values()),
            versions[0] if versions else None,
        )

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every place where a request can be held, in file order."""
        found: dict[tuple[str, int, int], Site] = {}
        for one in (site for path in self.summaries for site in self._read.sites[path]):
            place, site = one.place, one.site
            if place is not None and place.root.startswith("P:"):
                inner = peel(one.parameter_type)
                place = Place(self.types.some(inner), place.path) if inner is not None else None
            if place is not None:
                place = self.states.canonical(place)
                if not self.states.is_shared(place):
                    place = None
            state = self.state_of(place) if place is not None else None
            rooted = site.rooted and place is not None and place.root[0] in "SG"
            key = (site.file, *site.call)
            found.setdefault(key, replace(site, state=state.id if state is not None else None, rooted=rooted))
        return tuple(found[key] for key in sorted(found))


def _is_name(step: str) -> bool:
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
        path = tuple(f"[{name}]" if _is_name(step) and applies(step[1:-1]) else step for step in place.path)
        if path != place.path:
            event.place = Place(place.root, path)


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


def _state_name(written: str, inner: Type) -> str:
    """`&State<Db>` is called `Db`, also when `Db` is an alias."""
    start, end = written.find("<"), written.rfind(">")
    name = written[start + 1 : end].strip() if 0 <= start < end else ""
    name = name.split(",")[-1].strip() if name.startswith("'") else name
    if name and "<" not in name:
        return name.rsplit("::", 1)[-1]
    plain = peel(inner)
    return str(plain if plain is not None else inner)


def read(
    tree: SourceTree,
    beside: Beside | None = None,
    before: bytes | Kept | None = None,
    parsed: Mapping[str, SourceFile] | None = None,
) -> Program:
    """Read a source tree: half of it in the process that `beside` gives, less where `before` holds."""
    return Program(tree, beside, before, parsed)
