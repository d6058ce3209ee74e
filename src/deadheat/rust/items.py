"""What each file declares: modules, types, functions, statics, and the names it imports.

Owns the syntactic inventory of one crate's files. It must not know what a name means
elsewhere: a type stays a syntax node until `types` reads it in its module. One iterative walk
over items; function bodies are not entered. Code under `#[cfg(test)]` is left out, because no
request ever runs it.
"""

from collections.abc import Iterator

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.attributes import conditional, is_test, unlikely
from deadheat.rust.signatures import Field, fields_of
from deadheat.rust.syntax import SourceFile, field_text, parse, text_of

Path = tuple[str, ...]


class Function(Struct, eq=False):
    """A function or method as declared; `shift` turns node offsets into file offsets."""

    path: str
    name: str
    module: "Module"
    file: SourceFile
    node: Node
    shift: int = 0
    attributes: tuple[Node, ...] = ()
    owner: Node | None = None
    trait: Node | None = None
    is_async: bool = False
    receiver: str = ""  # "", "self", "&self", "&mut self"

    parameter_nodes: list[Node] | None = None

    @property
    def block(self) -> Node | None:
        """The body's place: what is in it may be left out (`SourceFile.hollow`)."""
        return self.node.child_by_field_name("body")

    @property
    def body(self) -> Node | None:
        """The body, absent for a trait's required method."""
        block = self.block
        return block if block is None or self.shift else self.file.filled(block)

    @property
    def body_text(self) -> bytes | None:
        """What is written in the body, braces included."""
        block = self.block
        if block is None or self.shift:
            return block.text if block is not None else None
        return self.file.text[block.start_byte : block.end_byte]

    @property
    def signature(self) -> bytes:
        """What is written before the body."""
        block = self.block
        if block is None or self.shift:
            return self.node.text or b""
        return self.file.text[self.node.start_byte : block.start_byte]

    @property
    def whole(self) -> Node:
        """The node with all of the body in it."""
        body = self.body
        around = body.parent if body is not None else None
        return around if around is not None else self.node

    def parameters(self) -> list[Node]:
        """The declared parameters, `self` excluded."""
        known = self.parameter_nodes
        if known is None:
            listed = self.node.child_by_field_name("parameters")
            nodes = listed.named_children if listed is not None else []
            known = self.parameter_nodes = [node for node in nodes if node.type == "parameter"]
        return known


class TypeItem(Struct, eq=False):
    """A struct, enum, alias or trait."""

    path: str
    kind: str
    module: "Module"
    file: SourceFile
    node: Node
    shift: int = 0
    fields: tuple[Field, ...] = ()
    attributes: tuple[Node, ...] = ()


class StaticItem(Struct, eq=False):
    """A static, const, lazy static or thread-local."""

    path: str
    name: str
    module: "Module"
    file: SourceFile
    node: Node
    type: Node | None
    shift: int = 0
    mutable: bool = False
    is_const: bool = False
    thread_local: bool = False


class Impl(Struct, eq=False):
    """An `impl` block: the type, the trait if any, its functions and associated types."""

    module: "Module"
    file: SourceFile
    node: Node
    owner: Node
    trait: Node | None
    functions: list[Function]
    associated: dict[str, Node]
    shift: int = 0


class Module(Struct, eq=False):
    """One module: its declarations and the names in its scope."""

    path: str
    crate: str
    file: SourceFile
    parent: "Module | None" = None
    children: dict[str, "Module"] = {}
    types: dict[str, TypeItem] = {}
    functions: dict[str, Function] = {}
    statics: dict[str, StaticItem] = {}
    uses: dict[str, Path] = {}
    globs: list[Path] = []
    impls: list[Impl] = []
    outside: list[tuple[str, str | None]] = []  # `mod name;` and its #[path]


def collect(module: Module) -> None:
    """Fill `module` (and its inline children) with what its file declares."""
    pending: list[tuple[Node, Module, int]] = [(module.file.tree.root_node, module, 0)]
    while pending:
        container, current, shift = pending.pop()
        for node, attributes in _with_attributes(container):
            if is_test(attributes):
                continue
            pending += _declare(node, attributes, current, shift)


def _with_attributes(container: Node) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    attributes: list[Node] = []
    for node in container.named_children:
        if node.type == "attribute_item":
            for child in node.named_children:
                if child.type == "attribute":
                    attributes.append(child)
                    attributes += conditional(child)
        elif node.type not in ("line_comment", "block_comment"):
            yield node, tuple(attributes)
            attributes = []


def _declare(
    node: Node, attributes: tuple[Node, ...], module: Module, shift: int
) -> list[tuple[Node, Module, int]]:
    kind = node.type
    if kind == "function_item":
        function = _function(node, attributes, module, shift)
        known = module.functions.get(function.name)
        if known is None or unlikely(known.attributes) > unlikely(attributes):
            module.functions[function.name] = function
        return _nested(function.block, module, shift)
    if kind in ("struct_item", "enum_item", "type_item", "trait_item", "union_item"):
        _declare_type(node, attributes, module, shift)
    elif kind in ("static_item", "const_item"):
        name = field_text(node, "name")
        module.statics[name] = StaticItem(
            f"{module.path}::{name}",
            name,
            module,
            module.file,
            node,
            node.child_by_field_name("type"),
            shift,
            mutable=any(child.type == "mutable_specifier" for child in node.named_children),
            is_const=kind == "const_item",
        )
    elif kind == "use_declaration":
        argument = node.child_by_field_name("argument")
        if argument is not None:
            _use(argument, module)
    elif kind == "impl_item":
        _impl(node, module, shift)
    elif kind == "mod_item":
        return _module(node, attributes, module, shift)
    elif kind in ("macro_invocation", "expression_statement", "foreign_mod_item", "ERROR"):
        return _embedded(node, module, shift)
    return []


def _nested(body: Node | None, module: Module, shift: int) -> list[tuple[Node, Module, int]]:
    """Items declared at the top of a function body; their names are taken as the module's."""
    if body is None:
        return []
    for node, attributes in _with_attributes(body):
        if node.type in _NESTED_ITEMS:
            _declare(node, attributes, module, shift)
    return []


_NESTED_ITEMS = frozenset(
    {"function_item", "struct_item", "enum_item", "use_declaration", "static_item", "const_item", "impl_item"}
)


def _function(
    node: Node, attributes: tuple[Node, ...], module: Module, shift: int, owner: str = ""
) -> Function:
    name = field_text(node, "name")
    receiver, is_async = "", False
    for child in node.named_children:
        if child.type == "function_modifiers":
            is_async = "async" in text_of(child).split()
    parameters = node.child_by_field_name("parameters")
    for child in parameters.named_children if parameters is not None else []:
        if child.type == "self_parameter":
            written = text_of(child)
            mutable = "mut" in written.split() or "&mut" in written
            receiver = "self" if "&" not in written else "&mut self" if mutable else "&self"
    path = f"{module.path}::{owner}::{name}" if owner else f"{module.path}::{name}"
    return Function(
        path, name, module, module.file, node, shift, attributes, is_async=is_async, receiver=receiver
    )


def _declare_type(node: Node, attributes: tuple[Node, ...], module: Module, shift: int) -> None:
    name = field_text(node, "name")
    known = module.types.get(name)
    if known is not None and unlikely(known.attributes) <= unlikely(attributes):
        return
    body = node.child_by_field_name("body")
    kind = node.type.removesuffix("_item")
    item = TypeItem(f"{module.path}::{name}", kind, module, module.file, node, shift, attributes=attributes)
    if kind == "struct" and body is not None:
        item.fields = fields_of(body)
    if kind == "trait" and body is not None:
        default_bodies: list[Function] = []
        for child, child_attributes in _with_attributes(body):
            if child.type == "function_item":
                default_bodies.append(_function(child, child_attributes, module, shift, name))
        module.impls.append(
            Impl(
                module, module.file, node, node.child_by_field_name("name") or node, None, default_bodies, {}
            )
        )
    module.types[name] = item


def _impl(node: Node, module: Module, shift: int) -> None:
    owner = node.child_by_field_name("type")
    body = node.child_by_field_name("body")
    if owner is None:
        return
    trait = node.child_by_field_name("trait")
    label = text_of(owner).split("<")[0].split("::")[-1].strip()
    block = Impl(module, module.file, node, owner, trait, [], {}, shift)
    for child, attributes in _with_attributes(body) if body is not None else ():
        if is_test(attributes):
            continue
        if child.type == "function_item":
            function = _function(child, attributes, module, shift, label)
            function.owner, function.trait = owner, trait
            block.functions.append(function)
            _nested(function.block, module, shift)
        elif child.type == "type_item":
            declared = child.child_by_field_name("type")
            if declared is not None:
                block.associated[field_text(child, "name")] = declared
    module.impls.append(block)


def _module(
    node: Node, attributes: tuple[Node, ...], module: Module, shift: int
) -> list[tuple[Node, Module, int]]:
    name = field_text(node, "name").removeprefix("r#")
    body = node.child_by_field_name("body")
    if body is not None:
        child = Module(f"{module.path}::{name}", module.crate, module.file, module)
        module.children[name] = child
        return [(body, child, shift)]
    where = None
    for attribute in attributes:
        value = attribute.child_by_field_name("value")
        if text_of(attribute).startswith("path") and value is not None:
            where = text_of(value).strip('"')
    module.outside.append((name, where))
    return []


def _embedded(node: Node, module: Module, shift: int) -> list[tuple[Node, Module, int]]:
    """Items inside an item-level macro (`lazy_static!`, `thread_local!`, …) or a broken stretch."""
    if node.type in ("ERROR", "foreign_mod_item"):
        return [(node, module, shift)]
    if node.type == "expression_statement":
        node = node.named_children[0] if node.named_children else node
    if node.type != "macro_invocation":
        return []
    name = field_text(node, "macro").split("::")[-1]
    tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
    if tokens is None or name in _NO_ITEMS:
        return []
    content = (tokens.text or b"")[1:-1]
    if name == "lazy_static":
        content = content.replace(b"static ref ", b"static     ")
    elif b"fn " not in content and b"static " not in content:
        return []
    start = tokens.start_byte + 1 + shift
    tree = parse(content)
    if tree.root_node.has_error and name not in ("lazy_static", "thread_local"):
        return []
    before = set(module.statics)
    found: list[tuple[Node, Module, int]] = []
    for child, attributes in _with_attributes(tree.root_node):
        if child.type in _NESTED_ITEMS and not is_test(attributes):
            found += _declare(child, attributes, module, start)
    for added in module.statics.keys() - before:
        module.statics[added].thread_local = name == "thread_local"
    return found


_NO_ITEMS = frozenset({"macro_rules", "println", "table", "joinable", "include"})


def scope_of(declared: list[Node], outer: Module) -> Module:
    """The names in scope of a block that has `use` declarations of its own; else those around it."""
    if not declared:
        return outer
    written = " ".join(text_of(node) for node in declared)
    inner = Module(f"{outer.path}::{{{written}}}", outer.crate, outer.file, outer.parent, outer.children)
    for node in declared:
        argument = node.child_by_field_name("argument")
        if argument is not None:
            _use(argument, inner)
    above = outer.path[len(outer.crate) :].strip(":")
    inner.uses = outer.uses | inner.uses
    inner.globs += [*outer.globs, ("crate", *above.split("::")) if above else ("crate",)]
    return inner


def _use(argument: Node, module: Module) -> None:
    pending: list[tuple[Node, Path]] = [(argument, ())]
    while pending:
        node, prefix = pending.pop()
        kind = node.type
        if kind in ("identifier", "scoped_identifier", "crate", "self", "super"):
            path = prefix + segments(node)
            if path and path[-1] == "self":
                path = path[:-1]
            if path:
                module.uses[path[-1]] = path
        elif kind == "use_as_clause":
            target, alias = node.child_by_field_name("path"), field_text(node, "alias")
            if target is not None and alias != "_":
                path = prefix + segments(target)
                module.uses[alias] = path[:-1] if path[-1:] == ("self",) and prefix else path
        elif kind == "use_wildcard":
            inner = node.named_children
            module.globs.append(prefix + (segments(inner[0]) if inner else ()))
        elif kind == "scoped_use_list":
            head, listed = node.child_by_field_name("path"), node.child_by_field_name("list")
            start = prefix + (segments(head) if head is not None else ())
            pending += [(child, start) for child in listed.named_children] if listed is not None else []
        elif kind == "use_list":
            pending += [(child, prefix) for child in node.named_children]


def segments(node: Node) -> Path:
    """`a::b::c` as a tuple of names, generics left out."""
    parts: list[str] = []
    current: Node | None = node
    while current is not None:
        kind = current.type
        if kind in ("scoped_identifier", "scoped_type_identifier"):
            parts.append(field_text(current, "name").removeprefix("r#"))
            current = current.child_by_field_name("path")
        elif kind in ("generic_type", "generic_type_with_turbofish", "generic_function"):
            current = current.child_by_field_name("type") or current.child_by_field_name("function")
        elif kind == "bracketed_type":
            current = next(iter(current.named_children), None)
        elif kind == "qualified_type":
            current = current.child_by_field_name("type")
        else:
            parts.append(text_of(current).removeprefix("r#"))
            break
    return tuple(reversed(parts))
