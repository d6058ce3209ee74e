"""Types, as far as concurrency needs them.

Owns `Type` (a resolved name and its arguments, references peeled off) and the reading of type
syntax in a module: aliases expanded, `Self` replaced, trait objects taken as their trait. It
must not know expressions. Lifetimes and const generics are dropped; a type that cannot be read
is None, which every client must treat as "could be anything".
"""

from collections.abc import Iterator

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.items import Function, Impl, Module, StaticItem, TypeItem, segments
from deadheat.rust.modules import Modules
from deadheat.rust.syntax import significant, text_of

# Values of these types are used as if they were the value inside.
WRAPPERS = frozenset(
    {"Arc", "Rc", "Box", "State", "Lazy", "LazyLock", "OnceLock", "OnceCell", "Cow", "Pin", "CachePadded",
     "AssertUnwindSafe", "ManuallyDrop", "Ref", "RefMut", "MutexGuard", "RwLockReadGuard", "RwLockWriteGuard",
     "OwnedMutexGuard", "OwnedRwLockReadGuard", "OwnedRwLockWriteGuard", "MappedMutexGuard"}
)  # fmt: skip
GUARDS = frozenset(name for name in WRAPPERS if name.endswith("Guard")) | {"Ref", "RefMut"}
_DEPTH = 20


class Type(Struct, frozen=True):
    """A resolved type name and its arguments."""

    name: str
    args: "tuple[Type | None, ...]" = ()

    @property
    def short(self) -> str:
        """The last segment of the name."""
        return self.name.rsplit("::", 1)[-1]

    def __str__(self) -> str:
        """The type as a person writes it, with short names."""
        inner = ", ".join("_" if arg is None else str(arg) for arg in self.args)
        if self.name == "(tuple)":
            return f"({inner})"
        if self.name == "[array]":
            return f"[{inner}]"
        return f"{self.short}<{inner}>" if inner else self.short


def argument(declared: Type | None, index: int = 0) -> Type | None:
    """The type argument at `index`, None when there is none."""
    return declared.args[index] if declared is not None and index < len(declared.args) else None


def peel(declared: Type | None) -> Type | None:
    """The type behind smart pointers, lazies, guards and `State`."""
    for _ in range(_DEPTH):
        if declared is None or declared.short not in WRAPPERS or not declared.args:
            return declared
        declared = declared.args[0]
    return declared


def is_lock(declared: Type | None) -> bool:
    """Whether the type is a mutex or a reader-writer lock of any family."""
    return declared is not None and declared.short in ("Mutex", "RwLock", "ReentrantMutex", "FairMutex")


def is_async_lock(declared: Type | None) -> bool:
    """Whether acquiring the lock needs an `.await` (tokio and its kin)."""
    if declared is None:
        return False
    path = declared.name
    return any(f"{family}::" in path for family in ("tokio", "async_std", "async_lock", "futures"))


def is_atomic(declared: Type | None) -> bool:
    """Whether the type is one of the standard atomics."""
    return declared is not None and declared.short.startswith("Atomic") and declared.short != "Atomic"


def is_concurrent_cell(declared: Type | None) -> bool:
    """Whether the type is a swap cell: whole-value load and store, no lock."""
    return declared is not None and declared.short in ("ArcSwap", "ArcSwapAny", "ArcSwapOption", "AtomicCell")


def is_concurrent_map(declared: Type | None) -> bool:
    """Whether each call on the type is atomic in itself, and only in itself."""
    return declared is not None and declared.short in ("DashMap", "DashSet", "SkipMap", "SkipSet")


def is_synchronised(declared: Type | None) -> bool:
    """Whether many threads may change a value of this type at once."""
    return (
        is_lock(declared)
        or is_atomic(declared)
        or is_concurrent_cell(declared)
        or is_concurrent_map(declared)
    )


class Types:
    """Every declaration of the workspace, and the reading of types among them."""

    def __init__(self, modules: Modules) -> None:
        """Index types, functions, statics and impls by resolved path."""
        self.modules = modules
        self.items: dict[str, TypeItem] = {}
        self.functions: dict[str, Function] = {}
        self.statics: dict[str, StaticItem] = {}
        self.methods: dict[tuple[str, str], Function] = {}
        self.trait_methods: dict[tuple[str, str], list[Function]] = {}
        self.by_method: dict[str, list[Function]] = {}
        self.implements: dict[tuple[str, str], Impl] = {}
        self.derefs: dict[str, Type | None] = {}
        self.owners: dict[str, Type | None] = {}
        self._fields: dict[str, dict[str, Type | None]] = {}
        for module in modules.modules.values():
            for item in module.types.values():
                self.items[item.path] = item
            for function in module.functions.values():
                self.functions[function.path] = function
            for static in module.statics.values():
                self.statics[static.path] = static
        for module in modules.modules.values():
            for block in module.impls:
                self._index(block)

    def _index(self, block: Impl) -> None:
        owner = self.read(block.owner, block.module)
        if owner is None:
            return
        trait = ".".join(segments(block.trait)) if block.trait is not None else ""
        trait = (
            self.modules.resolve(block.module, segments(block.trait)) if block.trait is not None else trait
        )
        name = peel(owner)
        key = name.name if name is not None else owner.name
        if trait:
            self.implements[(key, trait.rsplit("::", 1)[-1])] = block
            if trait.endswith("Deref") and "Target" in block.associated:
                self.derefs[key] = self.read(block.associated["Target"], block.module, owner)
        for function in block.functions:
            function.path = f"{key if key in self.items else block.module.path + '::' + key}::{function.name}"
            if trait:
                self.trait_methods.setdefault((trait, function.name), []).append(function)
            self.owners[function.path] = owner
            self.functions.setdefault(function.path, function)
            if not trait or (key, function.name) not in self.methods:
                self.methods[(key, function.name)] = function
            self.by_method.setdefault(function.name, []).append(function)

    def read(
        self,
        node: Node | None,
        module: Module,
        self_type: Type | None = None,
        bindings: dict[str, Type | None] | None = None,
        depth: int = 0,
    ) -> Type | None:
        """The type that `node` writes, read in `module`."""
        for _ in range(_DEPTH):
            if node is None or depth > _DEPTH:
                return None
            if node.type in ("reference_type", "pointer_type"):
                node = node.child_by_field_name("type")
            elif node.type in ("dynamic_type", "abstract_type"):
                node = node.child_by_field_name("trait")
            elif node.type == "bounded_type":
                node = next(significant(node), None)
            else:
                break
        if node is None:
            return None
        kind = node.type
        if kind == "tuple_type":
            return Type(
                "(tuple)",
                tuple(self.read(n, module, self_type, bindings, depth + 1) for n in significant(node)),
            )
        if kind == "array_type":
            element = node.child_by_field_name("element")
            return Type("[array]", (self.read(element, module, self_type, bindings, depth + 1),))
        if kind == "primitive_type":
            return Type(text_of(node))
        if kind in ("type_identifier", "scoped_type_identifier", "generic_type", "identifier",
                    "scoped_identifier", "self"):  # fmt: skip
            return self._named(node, module, self_type, bindings, depth)
        return None

    def _named(
        self,
        node: Node,
        module: Module,
        self_type: Type | None,
        bindings: dict[str, Type | None] | None,
        depth: int,
    ) -> Type | None:
        path = segments(node)
        if path == ("Self",):
            return self_type
        if bindings is not None and len(path) == 1 and path[0] in bindings:
            return bindings[path[0]]
        args: list[Type | None] = []
        written = node.child_by_field_name("type_arguments")
        args += [
            self.read(arg, module, self_type, bindings, depth + 1)
            for arg in (significant(written) if written is not None else ())
            if arg.type not in ("lifetime", "type_binding", "integer_literal", "block")
        ]
        name = self.modules.resolve(module, path)
        item = self.items.get(name)
        if item is not None and item.kind == "type":
            target = item.node.child_by_field_name("type")
            inner = dict(zip(_parameters(item.node), args, strict=False))
            return self.read(target, item.module, None, inner, depth + 1)
        return Type(name, tuple(args))

    def field(self, declared: Type | None, name: str) -> Type | None:
        """The type of a field, generic arguments filled in; through `Deref` where needed."""
        for _ in range(_DEPTH):
            declared = peel(declared)
            if declared is None:
                return None
            if declared.name == "(tuple)" and name.isdigit():
                return argument(declared, int(name))
            fields = self.fields(declared)
            if name in fields:
                return fields[name]
            if declared.name not in self.derefs:
                return None
            declared = self.derefs[declared.name]
        return None

    def fields(self, declared: Type | None) -> dict[str, Type | None]:
        """The fields of one of our structs, by name; empty for any other type."""
        if declared is None or declared.name not in self.items:
            return {}
        key = str(declared.name) + str(declared.args) if declared.args else declared.name
        known = self._fields.get(key)
        if known is None:
            item = self.items[declared.name]
            bindings = dict(zip(_parameters(item.node), declared.args, strict=False))
            known = self._fields[key] = {
                field.name: self.read(field.type, item.module, declared, bindings) for field in item.fields
            }
        return known

    def method(self, declared: Type | None, name: str) -> Function | None:
        """Our method `name` on a receiver of this type, through wrappers and `Deref`."""
        for _ in range(_DEPTH):
            if declared is None:
                return None
            found = self.methods.get((declared.name, name))
            if found is not None and found.body is not None:
                return found
            candidates = self.trait_methods.get((declared.name, name), ())
            if len(candidates) == 1:
                return candidates[0]
            if declared.name in self.derefs:
                declared = self.derefs[declared.name]
            elif declared.short in WRAPPERS and declared.args:
                declared = declared.args[0]
            else:
                return None
        return None

    def holds_locks(self, declared: Type | None) -> bool:
        """Whether a value of the type contains something synchronised (within a few levels)."""
        pending: list[tuple[Type | None, int]] = [(declared, 0)]
        while pending:
            current, depth = pending.pop()
            current = peel(current)
            if current is None or depth > 4:
                continue
            if is_synchronised(current):
                return True
            pending += [(inner, depth + 1) for inner in self.fields(current).values()]
            pending += [(inner, depth + 1) for inner in current.args]
        return False

    def result(self, function: Function) -> Type | None:
        """The declared return type of a function, `impl Future` and `Self` seen through."""
        owner = self.owners.get(function.path)
        return self.read(function.node.child_by_field_name("return_type"), function.module, owner)


def _parameters(node: Node) -> Iterator[str]:
    listed = node.child_by_field_name("type_parameters")
    for child in listed.named_children if listed is not None else []:
        if child.type == "type_parameter":
            name = child.child_by_field_name("name")
            yield text_of(name) if name is not None else text_of(child)
        elif child.type == "type_identifier":
            yield text_of(child)
