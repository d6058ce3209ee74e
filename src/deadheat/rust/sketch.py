"""What a file declares, as bytes: the next reading need not parse it to know.

Owns that form of a module's declarations, there and back. A sketch holds for the very same text only, and
says nothing of what a name means. A file with declarations that are not in its own syntax (in a macro's
tokens, under `cfg_attr`), or with errors, has none.
"""

from msgspec import Struct
from tree_sitter import Node

from deadheat.rust.items import Function, Impl, Module, Path, StaticItem, TypeItem
from deadheat.rust.signatures import Field
from deadheat.rust.stand_in import stand_in
from deadheat.rust.syntax import SourceFile

_Spot = tuple[str, int, int]  # kind, first and last byte


class _Field(Struct, array_like=True):
    name: str
    type: _Spot
    around: _Spot | None
    attributes: tuple[str, ...]


class _Type(Struct, array_like=True):
    kind: str
    at: _Spot
    fields: tuple[_Field, ...]
    attributes: tuple[_Spot, ...]


class _Function(Struct, array_like=True):
    name: str
    start: int
    end: int
    body: _Spot | None
    attributes: tuple[_Spot, ...]
    is_async: bool
    receiver: str
    owned: bool  # has the owner and the trait of its block
    parameters: tuple[tuple[_Spot, _Spot | None], ...] | None  # and their types; of what has attributes


class _Static(Struct, array_like=True):
    name: str
    at: _Spot
    type: _Spot | None
    mutable: bool
    is_const: bool
    thread_local: bool


class _Impl(Struct, array_like=True):
    at: _Spot
    owner: _Spot
    trait: _Spot | None
    functions: tuple[_Function, ...]
    associated: dict[str, _Spot]


class Sketch(Struct, array_like=True):
    """One module's declarations; `children` are those in the same file."""

    types: dict[str, _Type]
    functions: dict[str, _Function]
    statics: dict[str, _Static]
    uses: dict[str, Path]
    globs: list[Path]
    impls: list[_Impl]
    outside: list[tuple[str, str | None]]
    children: "dict[str, Sketch]"


class _Elsewhere(Exception):  # noqa: N818 - an answer, not an error
    """Something is declared that is not in the file's own syntax."""


def sketch_of(module: Module) -> Sketch | None:
    """What `collect` found in the file of a module; None where that cannot be said in bytes."""
    if b"cfg_attr" in module.file.text or module.file.tree.root_node.has_error:
        return None
    try:
        return _sketch(module)
    except _Elsewhere:
        return None


def _sketch(module: Module) -> Sketch:
    items = [one.shift for one in module.types.values()] + [one.shift for one in module.statics.values()]
    if any(items) or any(one.shift for one in module.impls):
        raise _Elsewhere
    return Sketch(
        {name: _type(item) for name, item in module.types.items()},
        {name: _function(function) for name, function in module.functions.items()},
        {name: _static(item) for name, item in module.statics.items()},
        module.uses,
        module.globs,
        [_impl(block) for block in module.impls],
        module.outside,
        {name: _sketch(child) for name, child in module.children.items() if child.file is module.file},
    )


def _spot(node: Node) -> _Spot:
    return node.type, node.start_byte, node.end_byte


def _maybe(node: Node | None) -> _Spot | None:
    return _spot(node) if node is not None else None


def _type(item: TypeItem) -> _Type:
    fields: list[_Field] = []
    for field in item.fields:
        around = field.type.parent
        fields.append(
            _Field(field.name, _spot(field.type), _maybe(around), field.attributes)
        )  # fmt: skip
    return _Type(item.kind, _spot(item.node), tuple(fields), tuple(map(_spot, item.attributes)))


def _function(function: Function) -> _Function:
    if function.shift:
        raise _Elsewhere
    node, body = function.node, function.block
    return _Function(
        function.name, node.start_byte, node.end_byte, _maybe(body),
        tuple(map(_spot, function.attributes)), function.is_async, function.receiver,
        function.owner is not None,
        tuple((_spot(node), _maybe(node.child_by_field_name("type"))) for node in function.parameters())
        if function.attributes else None,
    )  # fmt: skip


def _static(item: StaticItem) -> _Static:
    return _Static(
        item.name, _spot(item.node), _maybe(item.type), item.mutable, item.is_const, item.thread_local
    )


def _impl(block: Impl) -> _Impl:
    return _Impl(
        _spot(block.node), _spot(block.owner), _maybe(block.trait),
        tuple(map(_function, block.functions)),
        {name: _spot(node) for name, node in block.associated.items()},
    )  # fmt: skip


# ---------------------------------------------------------------------- and back


def fill(module: Module, sketch: Sketch) -> None:
    """Declare in `module` what `collect` would."""
    file, prefix = module.file, module.path
    module.types = {name: _type_again(item, name, module) for name, item in sketch.types.items()}
    module.functions = {
        name: _function_again(one, f"{prefix}::{name}", module) for name, one in sketch.functions.items()
    }
    module.statics = {
        name: StaticItem(
            f"{prefix}::{name}", one.name, module, file, stand_in(file, *one.at),
            stand_in(file, *one.type) if one.type is not None else None, 0, one.mutable, one.is_const,
            one.thread_local,
        )
        for name, one in sketch.statics.items()
    }  # fmt: skip
    module.uses, module.globs, module.outside = sketch.uses, sketch.globs, sketch.outside
    module.impls = [_impl_again(block, module) for block in sketch.impls]
    for name, child in sketch.children.items():
        below = module.children[name] = Module(f"{prefix}::{name}", module.crate, file, module)
        fill(below, child)


def _attributes(file: SourceFile, spots: tuple[_Spot, ...]) -> tuple[Node, ...]:
    return tuple([stand_in(file, *spot) for spot in spots]) if spots else ()


def _type_again(item: _Type, name: str, module: Module) -> TypeItem:
    file = module.file
    fields = tuple(
        [
            Field(
                field.name,
                stand_in(
                    file, *field.type,
                    {"parent": stand_in(file, *field.around)} if field.around is not None else None,
                ),
                field.attributes,
            )
            for field in item.fields
        ]
    )  # fmt: skip
    return TypeItem(
        f"{module.path}::{name}", item.kind, module, file, stand_in(file, *item.at), 0, fields,
        _attributes(file, item.attributes),
    )  # fmt: skip


def _function_again(
    one: _Function, path: str, module: Module, owner: Node | None = None, trait: Node | None = None
) -> Function:
    file = module.file
    body = stand_in(file, *one.body) if one.body is not None else None
    node = stand_in(file, "function_item", one.start, one.end, {"body": body})
    if not one.owned:
        owner = trait = None
    listed: list[Node] | None = None
    if one.parameters is not None:
        listed = [
            stand_in(file, *at, {"type": stand_in(file, *declared) if declared is not None else None})
            for at, declared in one.parameters
        ]
    return Function(
        path, one.name, module, file, node, 0, _attributes(file, one.attributes), owner, trait, one.is_async,
        one.receiver, listed,
    )  # fmt: skip


def _impl_again(block: _Impl, module: Module) -> Impl:
    file = module.file
    owner = stand_in(file, *block.owner)
    trait = stand_in(file, *block.trait) if block.trait is not None else None
    label = (owner.text or b"").decode("utf-8", "replace").split("<")[0].split("::")[-1].strip()
    return Impl(
        module, file, stand_in(file, *block.at), owner, trait,
        [_function_again(one, f"{module.path}::{label}::{one.name}", module, owner, trait)
         for one in block.functions],
        {name: stand_in(file, *spot) for name, spot in block.associated.items()},
    )  # fmt: skip


__all__ = ["Sketch", "fill", "sketch_of"]
