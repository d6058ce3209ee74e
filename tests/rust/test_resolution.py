"""Calls that lead elsewhere: trait objects, stand-ins, cfg duplicates, generics, extractors, macros."""

import pytest

from deadheat.rust import Kind, Program
from deadheat.rust.types import Type, is_store
from tests.rust.programs import accesses, program

STATE = """\
use rocket::{get, post, State, serde::json::Json};
use std::sync::{Arc, Mutex};
struct Books { sold: Mutex<u32> }
"""


def kinds(read: Program, handler: str) -> list[str]:
    return [kind for kind, _ in accesses(read, handler)]


def test_a_trait_object_is_its_real_implementation() -> None:
    read = program(
        STATE
        + """\
trait Base { fn sell(&self); }
trait Shop: Base + Send {}
impl Base for Books { fn sell(&self) { *self.sold.lock().unwrap() += 1; } }
struct MockShop;
impl Base for MockShop { fn sell(&self) {} }
#[get("/")]
fn index(shop: &State<Arc<dyn Shop>>) { shop.sell() }
"""
    )
    assert "rmw" in kinds(read, "index")


def test_a_default_body_is_taken_where_nothing_overrides_it() -> None:
    read = program(
        STATE
        + """\
trait Shop { fn books(&self) -> &Books; fn sell(&self) { *self.books().sold.lock().unwrap() += 1; } }
struct Local { books: Books }
impl Shop for Local { fn books(&self) -> &Books { &self.books } }
#[get("/")]
fn index(shop: &State<Local>) { shop.sell() }
"""
    )
    assert "rmw" in kinds(read, "index")


def test_a_bounded_parameter_is_its_trait() -> None:
    read = program(
        STATE
        + """\
trait Sells { fn sell(&self, books: &Books); }
struct Online;
impl Sells for Online { fn sell(&self, books: &Books) { *books.sold.lock().unwrap() += 1; } }
fn through<T: Sells>(seller: T, books: &Books) { seller.sell(books) }
#[get("/")]
fn index(books: &State<Books>) { through(Online, books) }
"""
    )
    assert "rmw" in kinds(read, "index")


def test_an_extractor_derefs_to_what_it_extracts() -> None:
    read = program(
        STATE
        + """\
struct Order { copies: u32 }
impl Order { fn place(&self, books: &Books) { *books.sold.lock().unwrap() += self.copies; } }
#[post("/", data = "<order>")]
fn place(order: Json<Order>, books: &State<Books>) { order.place(books) }
"""
    )
    assert "rmw" in kinds(read, "place")


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_declarations_the_one_that_is_switched_on_is_read(order: int) -> None:
    both = [
        '#[cfg(feature = "db")]\nfn sell(books: &Books) { *books.sold.lock().unwrap() += 1; }\n',
        '#[cfg(not(feature = "db"))]\nfn sell(_: &Books) {}\n',
    ][::order]
    read = program(STATE + "".join(both) + '#[get("/")]\nfn index(books: &State<Books>) { sell(books) }\n')
    assert "rmw" in kinds(read, "index")


def test_a_route_may_be_conditional() -> None:
    read = program('#[cfg_attr(feature = "server", get("/a/<_>", format = "json"))]\nfn a() {}\n')
    assert [handler.endpoint for handler in read.review.handlers] == ["GET /a/<_>"]


def test_a_module_may_have_a_keyword_for_a_name() -> None:
    read = program(
        {
            "src/main.rs": "mod r#static;\n"
            'fn rocket() { rocket::build().mount("/", routes![r#static::file]); }',
            "src/static.rs": '#[get("/f")]\npub fn file() {}\n',
        }
    )
    assert [(h.endpoint, h.mounted) for h in read.review.handlers] == [("GET /f", True)]


@pytest.mark.parametrize(
    "body",
    [
        'cfg_if! { if #[cfg(all(feature = "a", not(feature = "b")))] { sell(books) } else { } }',
        "db_run! { conn: { sell(books) } }",
        "db_run! { conn: sqlite, mysql { sell(books) } postgresql { } }",
    ],
)
def test_blocks_in_macros_run(body: str) -> None:
    read = program(
        STATE
        + "fn sell(books: &Books) { *books.sold.lock().unwrap() += 1; }\n"
        + f'#[get("/")]\nfn index(books: &State<Books>) {{ {body} }}\n'
    )
    assert kinds(read, "index").count("rmw") == 1


STORE = """\
use rocket::{get, State};
trait Tree: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, E>;
    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), E>;
}
struct Db { users: std::sync::Arc<dyn Tree> }
"""


def test_a_trait_with_look_up_and_insert_is_a_store() -> None:
    read = program(STORE + '#[get("/")]\nfn index(db: &State<Db>) { db.users.insert(b"k", b"v").ok(); }\n')
    (state,) = read.review.states
    assert (state.path, state.kind.value) == ("Db.users", "document")
    assert is_store(Type("sled::Tree"))
    assert not is_store(Type("app::Tree"))


def test_a_key_put_together_from_bytes_is_known_by_what_it_is_made_of() -> None:
    read = program(
        STORE
        + """\
impl Db {
    fn key(&self, user: &str, device: &str) -> bool {
        let mut key = user.as_bytes().to_vec();
        key.push(0xff);
        key.extend_from_slice(device.as_bytes());
        self.users.get(&key).is_ok()
    }
}
#[get("/<name>/<phone>")]
fn index(name: String, phone: String, db: &State<Db>) { db.key(&name, &phone); }
"""
    )
    (root,) = [one for one in read.roots if one.handler is not None]
    (event,) = [one for one in root.events if one.kind is Kind.READ]
    assert event.place is not None
    assert event.place.part == ("[name]", "[phone]")


def test_what_starts_the_program_runs_once_and_a_connection_does_not() -> None:
    read = program(
        STATE
        + """\
static SOLD: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
fn sell() { *SOLD.lock().unwrap() += 1; }
#[launch]
fn rocket() -> _ {
    sell();
    tokio::spawn(async { loop { sell() } });
    loop { tokio::spawn(async { sell() }); }
}
fn library() { sell() }
"""
    )
    assert {(root.function.name, root.task, root.once) for root in read.roots} == {
        ("rocket", False, True),
        ("rocket", True, False),
        ("rocket", True, True),
        ("library", False, False),
    }


def test_errors_collected_on_the_way_decide_what_follows() -> None:
    read = program(
        """\
use rocket::{get, State};
use std::{collections::HashSet, sync::Mutex};
struct Names { taken: Mutex<HashSet<String>> }
struct Errors(Vec<String>);
impl Errors {
    fn add(&mut self, what: &str) { self.0.push(what.to_string()); }
    fn check(self) -> Result<(), ()> { Err(()) }
}
#[get("/<name>")]
fn register(name: String, names: &State<Names>) -> Result<(), ()> {
    let mut errors = Errors(vec![]);
    if names.taken.lock().unwrap().contains(&name) { errors.add("taken"); }
    errors.check()?;
    names.taken.lock().unwrap().insert(name);
    Ok(())
}
"""
    )
    (root,) = [one for one in read.roots if one.handler is not None]
    look_up = next(event for event in root.events if event.kind is Kind.READ)
    change = next(event for event in root.events if event.kind is Kind.RMW)
    assert look_up.id in {number for number, _ in change.control}
