"""Types, as far as concurrency needs them.

Owns every declaration of the workspace, which method a call means, and the reading of type
syntax in a module: aliases expanded, `Self` replaced, trait objects taken as their trait. It
must not know expressions. Lifetimes and const generics are dropped; a type that cannot be read
is None, which every client must treat as "could be anything".
"""

import re
from functools import cached_property

from tree_sitter import Node

from deadheat.rust.db.schema import Table
from deadheat.rust.items import Function, Impl, Module, StaticItem, TypeItem, segments
from deadheat.rust.kinds import (
    GUARDS,
    STORE,
    WRAPPERS,
    Type,
    TypesRead,
    argument,
    in_map_crate,
    is_async_lock,
    is_atomic,
    is_concurrent_cell,
    is_concurrent_map,
    is_executor,
    is_lock,
    is_store,
    is_synchronised,
    is_watched,
    peel,
)
from deadheat.rust.modules import Modules
from deadheat.rust.signatures import looks_and_puts, type_parameters
from deadheat.rust.syntax import significant, text_of

__all__ = [
    "GUARDS",
    "STORE",
    "WRAPPERS",
    "Type",
    "Types",
    "argument",
    "in_map_crate",
    "is_async_lock",
    "is_atomic",
    "is_concurrent_cell",
    "is_concurrent_map",
    "is_executor",
    "is_lock",
    "is_store",
    "is_synchronised",
    "is_watched",
    "peel",
]

# Extractors and clients that deref to their argument without being a shared pointer to it.
_DEREFS = frozenset(
    {"Json", "MsgPack", "Form", "LenientForm", "Strict", "Lenient", "Contextual", "Query", "Path",
     "Extension", "Data", "Connection", "Zeroizing", "Valid", "Validated"}
)  # fmt: skip
_STAND_IN = re.compile(r"(?:^|::|_)(?:mock|fake|stub|dummy|test)", re.IGNORECASE)
_IMPLEMENTATIONS = 4
_SELF_FIELD = re.compile(r"\{&\(?self\.(\w+)\)?\}")
_DEPTH = 20


class Types:
    """Every declaration of the workspace, and the reading of types among them."""

    def __init__(self, modules: Modules, before: TypesRead | None = None) -> None:
        """Index types, functions, statics and impls by resolved path."""
        self.modules = modules
        self.items: dict[str, TypeItem] = {}
        self.functions: dict[str, Function] = {}
        self.tables: dict[str, Table] = {}  # that diesel's `table!` declares
        self.redis_modules: dict[str, bool] = {}
        self.statics: dict[str, StaticItem] = {}
        self.methods: dict[tuple[str, str], Function] = {}
        self.trait_methods: dict[tuple[str, str], list[Function]] = {}
        self.by_method: dict[str, list[Function]] = {}
        self.implements: dict[tuple[str, str], Impl] = {}
        self.traits_of: dict[str, list[str]] = {}  # our type → traits of ours that it implements
        self.derefs: dict[str, Type | None] = {}
        self.owners: dict[str, Type | None] = {}
        self.somewhere: dict[str, Type] = {}  # types whose values are known only by type
        self._stores: dict[str, bool] = {}
        before = before if before is not None else TypesRead([], {})
        self._written, self._fields = before.table(), before.fields
        self._holds: dict[Type, bool] = {}
        self._through: dict[tuple[str, str], Function | None] = {}
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

    @cached_property
    def macros(self) -> dict[str, Node]:
        """The program's own `macro_rules!` by name; of two with one name the first."""
        found: dict[str, Node] = {}
        for file in self.modules.files.values():
            if b"macro_rules!" not in file.text:
                continue
            pending = [file.tree.root_node]
            while pending:
                node = pending.pop()
                if node.type == "macro_definition":
                    name = node.child_by_field_name("name")
                    if name is not None:
                        found.setdefault(text_of(name), node)
                elif node.type in ("source_file", "mod_item", "declaration_list", "function_item", "block"):
                    pending += reversed(node.named_children)
        return found

    def read_so_far(self) -> TypesRead:
        """What the next reading of the same declarations need not read again."""
        return TypesRead.of(self._written, self._fields)

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
            if trait in self.items:
                self.traits_of.setdefault(key, []).append(trait)
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
        if node is None or bindings or depth:
            return self._read(node, module, self_type, bindings, depth)
        text = node.text or b""
        if self_type is not None and b"Self" in text:
            return self._read(node, module, self_type, bindings, depth)
        key = (module.path, node.type, text)
        if key not in self._written:
            self._written[key] = self._read(node, module, self_type, bindings, depth)
        return self._written[key]

    def _read(
        self,
        node: Node | None,
        module: Module,
        self_type: Type | None,
        bindings: dict[str, Type | None] | None,
        depth: int,
    ) -> Type | None:
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
            inner = dict(zip(type_parameters(item.node), args, strict=False))
            return self.read(target, item.module, None, inner, depth + 1)
        if item is not None and item.kind == "trait" and self.is_store_trait(item):
            return Type(STORE + name)
        return Type(name, tuple(args))

    def is_store_trait(self, item: TypeItem) -> bool:
        """Whether a trait of ours says `get(&self, key) -> Option` and `insert(&self, key, value)`.

        Its backends (sled, RocksDB, SQLite, …) are interchangeable, so that what a caller may rely
        on is what the trait says: single calls, none of which covers a look-up and a change.
        """
        known = self._stores.get(item.path)
        if known is None:
            known = self._stores[item.path] = looks_and_puts(item.node)
        return known

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
            bindings = dict(zip(type_parameters(item.node), declared.args, strict=False))
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
            if found is not None and found.block is not None:
                return found
            asked = (declared.name, name)
            if asked in self._through:
                found = self._through[asked]
            else:
                found = self._through[asked] = self._through_traits(declared.name, name)
            if found is not None:
                return found
            if declared.name in self.derefs:
                declared = self.derefs[declared.name]
            elif (declared.short in WRAPPERS or declared.short in _DEREFS) and declared.args:
                declared = declared.args[0]
            else:
                return None
        return None

    def _through_traits(self, name: str, method: str) -> Function | None:
        """A trait object's method in its implementation, or a trait's default body.

        Of several implementations the real one stands for all: stand-ins for tests do not run in
        production, and backends of one trait do the same thing.
        """
        pending, seen = [name], {name}
        while pending:
            current = pending.pop(0)
            candidates = [f for f in self.trait_methods.get((current, method), ()) if f.block is not None]
            if len(candidates) > 1:
                real = [f for f in candidates if _STAND_IN.search(f.path) is None]
                candidates = real or candidates
            if candidates and len(candidates) <= _IMPLEMENTATIONS:
                return max(candidates, key=lambda f: f.node.end_byte - f.node.start_byte)
            default = self.methods.get((current, method))
            if current != name and default is not None and default.block is not None:
                return default
            above = self._supertraits(current) + self.traits_of.get(current, [])
            pending += [one for one in above if one not in seen]
            seen.update(above)
        return None

    def _supertraits(self, name: str) -> list[str]:
        item = self.items.get(name)
        if item is None or item.kind != "trait":
            return []
        bounds = item.node.child_by_field_name("bounds")
        if bounds is None:
            return []
        return [
            self.modules.resolve(item.module, segments(one))
            for one in significant(bounds)
            if one.type in ("type_identifier", "scoped_type_identifier", "generic_type")
        ]

    def deref_field(self, declared: Type | None) -> str | None:
        """The field that one of our types derefs to (`fn deref(&self) -> … { &self.0 }`)."""
        if declared is None or declared.name not in self.derefs:
            return None
        function = self.methods.get((declared.name, "deref"))
        body = function.body_text if function is not None else None
        found = _SELF_FIELD.fullmatch("".join(body.decode("utf-8", "replace").split())) if body else None
        return found.group(1) if found is not None else None

    def generics(self, function: Function) -> dict[str, Type | None]:
        """Type parameters of a function and its `impl`, each as the trait that bounds it, if known."""
        found: dict[str, Type | None] = {}
        around = function.owner.parent if function.owner is not None else None
        for node in (around, function.node):
            for child in node.named_children if node is not None else ():
                if child.type not in ("type_parameters", "where_clause"):
                    continue
                for one in significant(child):
                    name = one.child_by_field_name("name") or one.child_by_field_name("left")
                    bounds = one.child_by_field_name("bounds")
                    for bound in significant(bounds) if name is not None and bounds is not None else ():
                        declared = self.read(bound, function.module)
                        if (
                            name is not None
                            and declared is not None
                            and (declared.name in self.items or is_executor(declared))
                        ):
                            found.setdefault(text_of(name), declared)
        return found

    def some(self, declared: Type) -> str:
        """The root of a place that is some value of a type, wherever it lies."""
        self.somewhere[declared.qualified] = declared
        return f"T:{declared.qualified}"

    def holds_locks(self, declared: Type | None) -> bool:
        """Whether a value of the type contains something synchronised (within a few levels)."""
        if declared is None:
            return False
        known = self._holds.get(declared)
        if known is None:
            known = self._holds[declared] = self._search_locks(declared)
        return known

    def _search_locks(self, declared: Type) -> bool:
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
