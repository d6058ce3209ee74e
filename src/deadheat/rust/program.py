"""A whole program read: handlers, their event graphs, states, accesses, sites.

Owns the order of work: modules → types → routes → bodies (callees before callers, on demand) →
roots, one event graph for everything that can run concurrently, with the helpers' events in it
→ states and the review. It must not know any rule.
"""

from collections.abc import Mapping
from functools import cached_property

from msgspec.structs import replace

from deadheat.model import Access, AccessKind, Handler, Review, SharedState, Site, Span, Under
from deadheat.rust.bodies import Beside, lazily, read_bodies
from deadheat.rust.calling import called_names, callees_first
from deadheat.rust.db.schema import Schema, diesel_tables
from deadheat.rust.ir import Event, Kind, Place, Where
from deadheat.rust.kept import Earlier, Kept, Reading, Settled
from deadheat.rust.modules import Modules
from deadheat.rust.roots import Root, Roots, is_key
from deadheat.rust.routes import Known, Route, routes
from deadheat.rust.states import States, asked_for, managed_values
from deadheat.rust.syntax import SourceFile
from deadheat.rust.tree import SourceTree
from deadheat.rust.types import Type, Types, peel

_MOSTLY_BROKEN = 0.5
_ROUTE = 60  # bytes of bodies that take as long to read as what an attribute says of a function
_ACCESS_KINDS = {
    Kind.READ: AccessKind.READ,
    Kind.WRITE: AccessKind.WRITE,
    Kind.RMW: AccessKind.RMW,
    Kind.ACQUIRE: AccessKind.ACQUIRE,
    Kind.RELEASE: AccessKind.RELEASE,
    Kind.SEND: AccessKind.WRITE,
    Kind.CALL: AccessKind.READ,  # how many permits are free: nothing else that is called has a place
}


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
        self._routes: list[Route] = []
        self._mounts: dict[str, str] = {}
        self._asked: dict[str, tuple[Type, str]] = {}
        earlier = Earlier(tree.files, before, parsed)
        settled = earlier.settled(tree.manifests) if before is not None else None
        self.modules = Modules(tree, earlier.files, earlier.sketches)
        self.types = Types(self.modules, settled.types if settled is not None else None)
        self.types.tables = diesel_tables(tree.files)
        self._earlier = earlier
        self._reading = Reading(self.types, tree.manifests, earlier) if before is not None else None
        functions = self.types.functions.values()
        reading = self._reading
        self._called = called = reading.called if reading is not None else called_names(functions, {}, ())
        if reading is None or reading.known is None:
            settled = None
        self._read = read_bodies(
            list(callees_first(functions, called)),
            self.types,
            self.modules.editions,
            reading.known if reading is not None else None,
            beside,
            _ROUTE * sum(bool(function.attributes) for function in functions),
            lambda: self._declare(settled),
        )
        self.summaries = self._read.summaries
        facts = self._read.facts
        managed = managed_values(self._asked, (key for fact in facts.values() for key in fact.managed))
        self._managed = tuple(managed)
        self.states = States(self.types, managed)
        taken = reading.taken(self._read) if reading is not None else set[str]()
        self._roots = Roots(
            self.types, self.states, self._read.summaries,
            earlier.graphs(self._managed) if taken else {}, taken,
        )  # fmt: skip
        self._roots.make(self._routes, facts)
        self.roots: tuple[Root, ...] = tuple(self._roots.found)
        self._met = self._states_met()

    def _declare(self, settled: Settled | None) -> None:
        """What follows from declarations alone, or from bodies that mount: routes and managed values."""
        known = settled.routes if settled is not None else None
        changed = self._reading.changed if self._reading is not None else frozenset[str]()
        self._routes, self._mounts = routes(self.types, known, changed)
        self._asked = settled.managed if settled is not None else asked_for(self.types)

    @cached_property
    def schema(self) -> Schema:
        """The tables, as they stand after all migrations."""
        return Schema(self.tree.files, self.tree.sql)

    @property
    def has_news(self) -> bool:
        """Whether it is worth while to keep this reading in place of the one before."""
        return self._reading is None or self._reading.is_stale(self._read)

    def keep(self) -> Kept:
        """What the next reading of a similar tree is to be given as `before`."""
        reading = self._reading or Reading(self.types, self.tree.manifests, self._earlier, self._called)
        known = Known.of(self.types, self._mounts, self._routes)
        settled = Settled(known, self._asked, self.types.read_so_far())
        return reading.keep(self._read, self._managed, self._roots.graphs, settled)

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

    @cached_property
    def handlers(self) -> tuple[Handler, ...]:
        """Every handler, mounted or not."""
        return tuple(route.handler for route in self._routes)

    def _states_met(self) -> dict[str, SharedState]:
        """Every state by id. The first access says what kind one is, so that nobody may ask before."""
        states: dict[str, SharedState] = {}
        for root in self.roots:
            for event in root.events:
                if event.place is None or event.kind not in _ACCESS_KINDS or not root.flow.is_live(event):
                    continue
                state = self.state_of(event.place, event.type)
                states[state.id] = state
                if event.kind is Kind.RELEASE and root.handler is not None and event.guards:
                    place = root.events[event.guards[0]].place
                    if place is not None:
                        self.state_of(place, event.type)
        for place in self.states.declared():
            state = self.states.state(place, None)
            states.setdefault(state.id, state)
        return states

    @cached_property
    def review(self) -> Review:
        """The inventory."""
        accesses = [
            self.access(root, event)
            for root in self.roots if root.handler is not None
            for event in root.events
            if event.place is not None and event.kind in _ACCESS_KINDS and root.flow.is_live(event)
        ]  # fmt: skip
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
            self.handlers,
            tuple(sorted(self._met.values(), key=lambda state: (state.path, state.id))),
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
        places: dict[str, set[str]] = {}  # of each type
        vague: dict[tuple[str, int, int], str] = {}  # sites at some value of a type
        bodies = lazily(self._read.summaries).decoded().values()
        begun = any(event.kind is Kind.BEGIN for body in bodies for event in body.events)
        for one in (site for path in self._read.summaries for site in self._read.sites[path]):
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
            declared = self.states.type_at(place.state) if place is not None else None
            kind = str(peel(declared)) if declared is not None else ""
            if place is not None and state is not None and place.root[0] in "SGT":
                places.setdefault(kind, set()).add(_family(place) or state.id)
                if place.root[0] == "T":
                    vague.setdefault(key, kind)
            inside = one.in_transaction or (one.perhaps and begun)
            linked = place is not None and place.root[:2] == "D:" and self.schema.is_linked(place.root[2:])
            wide = site.wide or inside or (linked and site.effect is not AccessKind.READ)
            found.setdefault(
                key,
                replace(
                    site,
                    state=state.id if state is not None else None,
                    rooted=rooted,
                    wide=wide,
                    domain=site.domain or _family(place),
                    inside=inside or site.inside,
                ),
            )
        # `&Mutex<u32>` handed to a function may be the one in a managed state: it conflicts with any.
        for key, kind in vague.items():
            if not kind or len(places[kind]) > 1:
                found[key] = replace(found[key], wide=True)
        return tuple(found[key] for key in sorted(found))


def _family(place: Place | None) -> str:
    """All elements of a table that a place is one of: two keys may be equal."""
    if place is None or place.root[0] not in "SGT" or not any(is_key(step) for step in place.state.path):
        return ""
    return ".".join([place.root[2:], *("[*]" if step.startswith("[") else step for step in place.state.path)])


def read(
    tree: SourceTree,
    beside: Beside | None = None,
    before: bytes | Kept | None = None,
    parsed: Mapping[str, SourceFile] | None = None,
) -> Program:
    """Read a source tree: half of it in the process that `beside` gives, less where `before` holds."""
    return Program(tree, beside, before, parsed)
