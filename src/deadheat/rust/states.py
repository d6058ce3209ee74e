"""Shared states: one identity and one name for each, however it is reached.

Owns canonical places and their names. Rocket keeps one managed value per type, so `S:T` plus a
field path is an exact identity; a helper that only knows `&T` is led back to it when `T` lies in
exactly one managed value or static. It must not know accesses.
"""

import re
from collections.abc import Iterable

from deadheat.model import SharedState, Span, StateKind
from deadheat.rust.ir import THROUGH, UNSYNCHRONISED, Place
from deadheat.rust.lower.managed import state_key
from deadheat.rust.syntax import text_of
from deadheat.rust.types import (
    Type,
    Types,
    argument,
    is_atomic,
    is_concurrent_cell,
    is_concurrent_map,
    is_lock,
    is_store,
    is_synchronised,
    peel,
)

_DEPTH = 4


class States:
    """The shared states of a program."""

    def __init__(self, types: Types, managed: dict[str, tuple[Type, str]]) -> None:
        """`managed` maps the key of a managed type to the type and to what people call it."""
        self._types = types
        self._managed = managed
        # What `State<T>` parameters ask for, as a whole; the rest is known by the word before its `<`.
        self._asked = [key for key, (declared, _) in managed.items() if declared.args or "<" not in key]
        self._inside = self._containment()
        self._known: dict[Place, SharedState] = {}
        self._canonical: dict[Place, Place] = {}
        self.stores: dict[str, str] = {}  # the kind of each table, collection or key space that is met

    def _containment(self) -> dict[str, list[Place]]:
        """Where a value of each of our types lies inside managed values and statics."""
        found: dict[str, list[Place]] = {}
        starts: list[tuple[Type | None, Place]] = [
            (declared, Place(f"S:{key}")) for key, (declared, _) in self._managed.items()
        ]
        for path, static in self._types.statics.items():
            if not static.is_const and not static.thread_local:
                starts.append((self._types.read(static.type, static.module), Place(f"G:{path}")))
        for declared, place in starts:
            pending = [(declared, place, 0)]
            while pending:
                current, here, depth = pending.pop()
                current = peel(current)
                if current is None or depth > _DEPTH:
                    continue
                if is_synchronised(current):
                    continue  # what lies behind a lock moves: no fixed identity
                found.setdefault(current.qualified, []).append(here)
                for name, inner in self._types.fields(current).items():
                    pending.append((inner, here.then(name), depth + 1))
        return found

    def canonical(self, place: Place) -> Place:
        """The same place, led back to a managed value or a static where that is certain.

        Equal places give one object, which remembers what is asked of it.
        """
        found = self._canonical.get(place)
        if found is None:
            found = self._canonical[place] = self._led_back(place)
        return found

    def _led_back(self, place: Place) -> Place:
        if place.root.startswith("S:") and place.root[2:] not in self._asked:
            fit = [key for key in self._asked if _fits(place.root[2:], key)]
            return Place(f"S:{fit[0]}", place.path) if len(fit) == 1 else place
        if not place.root.startswith("T:"):
            return place
        place = self._dereferenced(place)
        homes = self._inside.get(place.root[2:], ())
        return homes[0].then(*place.path) if len(homes) == 1 else place

    def _dereferenced(self, place: Place) -> Place:
        """A guard type's `Deref` target stands for it: `Db(pool).0.users` is `Pool.users`."""
        for _ in range(_DEPTH):
            declared = self._types.somewhere.get(place.root[2:])
            target = peel(self._types.derefs.get(declared.name)) if declared is not None else None
            if target is None or target == declared:
                break
            path = place.path
            if path and peel(self._types.fields(declared).get(path[0])) == target:
                path = path[1:]
            place = Place(self._types.some(target), path)
        return place

    def is_shared(self, place: Place) -> bool:
        """Whether the (canonical) place can be reached by more than one request."""
        return place.root[0] in "SGTDF"

    def type_at(self, place: Place) -> Type | None:
        """The declared type of a place, as far as fields lead."""
        declared = self._root_type(place)
        for step in place.path:
            if step == UNSYNCHRONISED:
                continue
            if step == THROUGH:
                inner = peel(declared)
                declared = argument(inner)
            elif step.startswith("["):
                inner = peel(declared)
                many = inner is not None and len(inner.args) > 1
                declared = argument(inner, 1 if many else 0)
            else:
                declared = self._types.field(declared, step)
        return declared

    def _root_type(self, place: Place) -> Type | None:
        kind, name = place.root[:2], place.root[2:]
        if kind == "S:":
            return self._managed[name][0] if name in self._managed else None
        if kind == "G:":
            static = self._types.statics.get(name)
            return self._types.read(static.type, static.module) if static is not None else None
        return self._types.somewhere.get(name)

    def state(self, place: Place, seen: Type | None) -> SharedState:
        """The state at a canonical place; `seen` is the type an access saw, if it saw one."""
        known = self._known.get(place)
        if known is None and place.root.startswith("D:"):
            path = ".".join((place.root[2:], *place.path))
            known = self._known[place] = SharedState(
                f"database:{path}", StateKind(self.stores.get(place.root, "row")), path, "", None
            )
        if known is None:
            declared = self.type_at(place)
            inner = peel(declared)
            if not is_synchronised(inner):
                inner = seen if is_synchronised(seen) or inner is None else inner
            known = self._known[place] = SharedState(
                ".".join((place.root[2:], *place.path)),
                StateKind.FILE if place.root == "F:" else _kind(inner),
                self.name(place),
                str(declared or inner or ""),
                self._span(place),
            )
        return known

    def name(self, place: Place) -> str:
        """What a person calls the place."""
        kind, name = place.root[:2], place.root[2:]
        if kind == "F:":
            return "the file " + "/".join(step[1:-1] for step in place.path)
        if kind == "S:" and name in self._managed:
            text = self._managed[name][1]
        elif kind == "T:" and name in self._types.somewhere:
            text = str(self._types.somewhere[name])
        else:
            text = name.split("<")[0].rsplit("::", 1)[-1] if kind == "G:" else str(name).rsplit("::", 1)[-1]
        for step in place.path:
            if step in (THROUGH, UNSYNCHRONISED):
                continue
            text += step if step.startswith("[") else f".{step}"
        return text

    def _span(self, place: Place) -> Span | None:
        """Where the state is declared: the last field on the way, else the static or the type."""
        owner: Type | None = self._root_type(place)
        found: Span | None = None
        if place.root.startswith("G:"):
            static = self._types.statics.get(place.root[2:])
            if static is not None:
                node = static.node
                found = static.file.span(node.start_byte + static.shift, node.end_byte + static.shift)
        for step in place.path:
            inner = peel(owner)
            item = self._types.items.get(inner.name) if inner is not None else None
            if item is None:
                break
            for field in item.fields:
                if field.name == step:
                    around = None if step.isdigit() else field.type.parent
                    node = field.type if around is None else around
                    found = item.file.span(node.start_byte + item.shift, node.end_byte + item.shift)
            owner = self._types.field(owner, step)
        return found

    def declared(self) -> list[Place]:
        """Every synchronised field of a managed value or a static, touched or not."""
        found: list[Place] = []
        for homes in list(self._inside.values()):
            for home in homes:
                declared = self.type_at(home)
                found += [
                    home.then(name)
                    for name, inner in self._types.fields(peel(declared)).items()
                    if is_synchronised(peel(inner))
                ]
        for key, (declared, _) in self._managed.items():
            if is_synchronised(peel(declared)):
                found.append(Place(f"S:{key}"))
        for path, static in self._types.statics.items():
            if not static.is_const and is_synchronised(peel(self._types.read(static.type, static.module))):
                found.append(Place(f"G:{path}"))
        return list(dict.fromkeys(found))


def _fits(vague: str, key: str) -> bool:
    """Whether a type of which not every argument is known may be that one: `Arc<Mutex<Vec>>`."""
    open_ended = _ALONE.sub(lambda name: f"{re.escape(name[0])}(?:<.*>)?" if name[0] != "_" else ".+", vague)
    return re.fullmatch(open_ended, key) is not None


_ALONE = re.compile(r"[\w:]+(?![\w:<])")


def asked_for(types: Types) -> dict[str, tuple[Type, str]]:
    """Managed types by key, with what people call them, from the `State<T>` parameters that ask for them."""
    found: dict[str, tuple[Type, str]] = {}
    for function in types.functions.values():
        if b"State" not in function.signature:
            continue
        for node in function.parameters():
            written = node.child_by_field_name("type")
            if written is None or b"State" not in (written.text or b""):
                continue
            declared = types.read(written, function.module, types.owners.get(function.path))
            inner = argument(declared) if declared is not None and declared.short == "State" else None
            if inner is not None:
                found.setdefault(state_key(inner), (inner, _state_name(text_of(written), inner)))
    return found


def managed_values(asked: dict[str, tuple[Type, str]], touched: Iterable[str]) -> dict[str, tuple[Type, str]]:
    """Managed types by key: those that are asked for, and what is `touched` beside them."""
    found = dict(asked)
    for key in touched:
        if key not in found:
            inner = Type(key.split("<")[0])
            found[key] = (inner, inner.short)
    return found


def _state_name(written: str, inner: Type) -> str:
    """`&State<Db>` is called `Db`, also when `Db` is an alias."""
    start, end = written.find("<"), written.rfind(">")
    name = written[start + 1 : end].strip() if 0 <= start < end else ""
    name = name.split(",")[-1].strip() if name.startswith("'") else name
    if name and "<" not in name:
        return name.rsplit("::", 1)[-1]
    plain = peel(inner)
    return str(plain if plain is not None else inner)


# What carries messages, or a bare word.
_WORDS = frozenset({"Sender", "UnboundedSender", "SyncSender", "Receiver", "Notify", "Barrier", "Condvar"})


def _kind(declared: Type | None) -> StateKind:
    if is_atomic(declared) or is_concurrent_cell(declared):
        return StateKind.ATOMIC
    if declared is not None and declared.short in _WORDS:
        return StateKind.CHANNEL
    if is_store(declared):
        return StateKind.DOCUMENT
    if is_concurrent_map(declared):
        return StateKind.MAP
    if is_lock(declared) and declared is not None:
        return StateKind.RWLOCK if declared.short == "RwLock" else StateKind.MUTEX
    return StateKind.STATIC if declared is not None else StateKind.MUTEX
