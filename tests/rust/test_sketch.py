"""What a sketch of a file declares is what the file declares, and nothing is parsed for it."""

from pathlib import Path

import msgspec
import pytest
from msgspec import Struct
from tree_sitter import Node

from deadheat import rules
from deadheat.io.source import load
from deadheat.rust import read
from deadheat.rust.items import Module, collect
from deadheat.rust.kept import packed
from deadheat.rust.sketch import Sketch, fill, sketch_of
from deadheat.rust.stand_in import StandIn
from deadheat.rust.syntax import SourceFile
from tests.rust.test_kept import FILES, LEFT, tree

LAB = Path(__file__).parents[2] / "lab" / "rocket"
EVERYTHING = b"""
use std::{collections::HashMap as Map, sync::*};
pub use self::inner::Deep;
static COUNT: AtomicU32 = AtomicU32::new(0);
static mut RAW: u32 = 0;
const LIMIT: u32 = 3;
#[derive(Clone)] pub struct Pair<T: Copy>(pub T, Mutex<T>);
#[serde(rename_all = "camelCase")] struct Named { #[serde(skip)] first: u8, pub second: Vec<Arc<Named>> }
enum Either { Left(u8), Right }
type Short = Map<String, u32>;
trait Store: Send { type Key;
    fn get(&self, key: u8) -> Option<u8>; fn has(&self) -> bool { self.get(0).is_some() } }
impl<T: Copy> Pair<T> { pub fn new(one: T) -> Self { todo!() } async fn slow(&mut self) {} fn gone(self) {} }
impl std::ops::Deref for Named { type Target = Vec<u8>; fn deref(&self) -> &Self::Target { &self.second } }
unsafe impl Sync for Either {}
#[get("/<id>?<q>")] #[allow(unused)]
pub async fn show(id: u32, q: Option<&str>, store: &State<Named>, (a, b): (u8, u8)) -> String
{ String::new() }
mod inner { pub struct Deep; impl Deep { fn r#loop(&self) {} } pub mod deeper { fn bottom() {} } }
mod elsewhere;
#[path = "odd.rs"] mod odd;
fn outer() { fn within(x: u8) -> u8 { x } static HERE: u8 = 1; }
#[cfg(not(unix))] fn twice() {}
#[cfg(unix)] fn twice() { 1; }
#[cfg(test)] mod tests { fn never() {} }
"""


def plain(value: object, seen: frozenset[int] = frozenset()) -> object:
    """A declaration in terms of places and texts; back references are cut."""
    if isinstance(value, StandIn):
        value = value.real
    if isinstance(value, Node):
        return value.type, value.start_byte, value.end_byte, value.text
    if isinstance(value, SourceFile):
        return value.path
    if isinstance(value, Struct):
        if id(value) in seen:
            return "above"
        inner = seen | {id(value)}
        return {
            field.name: plain(getattr(value, field.name), inner) for field in msgspec.structs.fields(value)
        }
    if isinstance(value, dict):
        return {key: plain(one, seen) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, seen) for one in value]
    return value


def both(text: bytes) -> tuple[Module, Module, SourceFile]:
    """A module as its file declares it and as the file's sketch does, and the file that has only that."""
    module = Module("app", "app", SourceFile("src/main.rs", text))
    collect(module)
    for block in module.impls:
        for function in block.functions:
            function.parameters() if function.attributes else None
    sketch = sketch_of(module)
    assert sketch is not None
    again = Module("app", "app", SourceFile("src/main.rs", text))
    fill(again, msgspec.msgpack.decode(msgspec.msgpack.encode(sketch), type=Sketch))
    return module, again, again.file


def in_order(module: Module) -> list[object]:
    """Every table in its order: of two declarations with one name the order decides."""
    tables = (module.types, module.functions, module.statics, module.uses, module.children)
    return [list(table) for table in tables] + [in_order(child) for child in module.children.values()]


SOURCES = [EVERYTHING, *FILES.values()] + [
    text for name in ("coupons", "sessions", "receipt", "actor")
    for text in load(LAB / name).files.values() if b"thread_local!" not in text
]  # fmt: skip


@pytest.mark.parametrize("text", SOURCES)
def test_a_sketch_declares_what_the_file_declares(text: bytes) -> None:
    module, again, _ = both(text)
    assert in_order(module) == in_order(again)
    for one in (module, again):
        _list_parameters(one)
    assert plain(module) == plain(again)


def _list_parameters(module: Module) -> None:
    for function in (*module.functions.values(), *(f for block in module.impls for f in block.functions)):
        function.parameters()
    for child in module.children.values():
        _list_parameters(child)


def test_names_places_and_texts_are_told_without_parsing() -> None:
    _, again, file = both(EVERYTHING)
    show = again.functions["show"]
    assert show.block is not None and show.signature.startswith(b"pub async fn show(")  # noqa: PT018
    assert show.body_text == b"{ String::new() }"
    assert [node.text for node in show.attributes] == [b'get("/<id>?<q>")', b"allow(unused)"]
    declared = [node.child_by_field_name("type") for node in show.parameters()]
    assert [node.text for node in declared if node is not None][:2] == [b"u32", b"Option<&str>"]
    field = again.types["Named"].fields[0]
    assert field.type.parent is not None and field.type.parent.text == b"first: u8"  # noqa: PT018
    assert "full" not in vars(file)
    assert len(show.node.children) > 1
    assert "full" in vars(file)


@pytest.mark.parametrize(
    "text",
    [
        b"lazy_static! { static ref A: u8 = 1; }",
        b'#[cfg_attr(unix, get("/"))] fn a() {}',
        b"fn broken( {",
        b"mod inner { thread_local! { static B: u8 = 1; } }",
    ],
)
def test_what_is_not_in_the_syntax_of_a_file_is_not_sketched(text: bytes) -> None:
    module = Module("app", "app", SourceFile("src/main.rs", text))
    collect(module)
    assert sketch_of(module) is None


REST = b"""
use std::sync::Mutex;
use rocket::State;
pub struct Rest { pub left: Mutex<u32> }
#[get("/rest/<by>")]
pub fn rest(by: u32, rest: &State<Rest>) -> String {
    if *rest.left.lock().unwrap() > by { *rest.left.lock().unwrap() -= by; }
    String::new()
}
"""


def test_after_a_change_in_one_body_files_that_it_does_not_concern_are_not_parsed() -> None:
    files = FILES | {"src/rest.rs": REST, "src/main.rs": FILES["src/main.rs"] + b"mod rest;\n"}
    first = read(tree(files))
    files["src/left.rs"] = LEFT.replace(b"    left\n", b"    left + 0\n")
    again = read(tree(files), None, packed(first.keep()))
    assert rules.review(again) == rules.review(first)
    assert again.review.handlers == first.review.handlers
    parsed = {path for path, file in again.modules.files.items() if {"full", "tree"} & vars(file).keys()}
    assert "src/left.rs" in parsed
    assert "src/rest.rs" not in parsed
    assert rules.check(again)
