"""What an earlier reading left is used only where it still holds: the result is a full reading's."""

import random
from collections.abc import Callable

import msgspec
import pytest

from deadheat import rules
from deadheat.rust import Program, SourceTree, read
from deadheat.rust.ir import Summary
from deadheat.rust.items import Function
from deadheat.rust.kept import packed
from deadheat.rust.lower import FoundSite, lower
from deadheat.rust.types import Types

MANIFEST = b'[package]\nname = "app"\nversion = "0.1.0"\n[dependencies]\nrocket = "0.5"\n'
MAIN = b"""
#[macro_use] extern crate rocket;
use std::sync::Mutex;
use rocket::State;
mod left;
mod right;
pub struct Seats(pub Mutex<u32>);

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    if left::free(seats) == 0 {
        return "full";
    }
    right::take(seats);
    "yours"
}

fn ping(n: u32, seats: &State<Seats>) {
    if n > 0 { pong(n - 1, seats); }
}

fn pong(n: u32, seats: &State<Seats>) {
    right::take(seats);
    ping(n, seats);
}

#[post("/again")]
fn again(seats: &State<Seats>) {
    ping(3, seats);
}
"""
LEFT = b"""
use rocket::State;
use crate::Seats;
pub fn free(seats: &State<Seats>) -> u32 {
    let left = *seats.0.lock().unwrap();
    left
}
// the end
"""
RIGHT = b"""
use rocket::State;
use crate::Seats;
pub fn take(seats: &State<Seats>) {
    *seats.0.lock().unwrap() -= 1;
}
"""
FILES = {"src/main.rs": MAIN, "src/left.rs": LEFT, "src/right.rs": RIGHT}


def tree(files: dict[str, bytes]) -> SourceTree:
    return SourceTree("", {"Cargo.toml": MANIFEST}, files, (), {})


def told(program: Program) -> tuple[bytes, list[tuple[str, int]]]:
    judged = msgspec.json.encode((rules.review(program), program.review, program.sites))
    return judged, [(root.id, len(root.events)) for root in program.roots]


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions whose bodies are read, as they are."""
    seen: list[str] = []

    def counting(
        function: Function, types: Types, known: Callable[[Function], Summary | None], edition: int
    ) -> tuple[Summary, list[FoundSite]]:
        seen.append(function.path)
        return lower(function, types, known, edition)

    monkeypatch.setattr("deadheat.rust.bodies.lower", counting)
    return seen


def test_a_changed_body_is_read_again_with_its_callers_and_nothing_else(lowered: list[str]) -> None:
    before = read(tree(FILES))
    lowered.clear()
    files = FILES | {"src/left.rs": LEFT.replace(b"    left\n", b"    left + 0\n")}
    after = read(tree(files), None, packed(before.keep()))
    # `ping` and `pong` call each other: where a cycle is cut depends on what else is read.
    assert set(lowered) == {"app::left::free", "app::book", "app::ping", "app::pong", "app::again"}
    assert told(after) == told(read(tree(files)))


def test_a_changed_declaration_has_everything_read_again(lowered: list[str]) -> None:
    before = read(tree(FILES))
    count = len(set(lowered))
    lowered.clear()
    files = FILES | {"src/main.rs": MAIN.replace(b"Mutex<u32>", b"Mutex<u64>")}
    read(tree(files), None, packed(before.keep()))
    assert len(set(lowered)) == count


SHARED = b"""
use std::sync::Mutex;
pub const LIMIT: u32 = 3;
pub type Count = u32;
pub struct Seats(pub Mutex<Count>);
macro_rules! taken { ($seats:expr) => { *$seats.0.lock().unwrap() }; }
pub(crate) use taken;
pub fn left(seats: &Seats) -> Count { taken!(seats) }
pub mod inner { pub fn note() {} }
"""
USER = b"""
#[macro_use] extern crate rocket;
use rocket::State;
mod shared;
use shared::{taken, Seats};

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    if shared::left(seats) >= shared::LIMIT { return "full"; }
    shared::inner::note();
    *seats.0.lock().unwrap() += 1;
    "yours"
}

#[get("/left")]
fn left(seats: &State<Seats>) -> String { format!("{}", taken!(seats)) }
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"left(seats: &Seats) -> Count", b"left(seats: &Seats, _also: u8) -> Count"),
        (b"Mutex<Count>", b"std::sync::atomic::AtomicU32"),
        (b"LIMIT: u32 = 3", b"LIMIT: u32 = 4"),
        (b"type Count = u32", b"type Count = i64"),
        (b"{ *$seats.0.lock().unwrap() }", b"{ 0 }"),
        (b"mod inner {", b"mod other {"),
        (b"pub fn note() {}", b"pub fn note() { std::thread::sleep(std::time::Duration::ZERO); }"),
        (b"{ taken!(seats) }", b"{ *seats.0.lock().unwrap() += 1; 0 }"),
    ],
    ids=["signature", "type", "constant", "alias", "macro", "module", "body in a module", "body"],
)
def test_what_depends_on_a_change_in_another_file_is_read_again(old: bytes, new: bytes) -> None:
    files = {"src/main.rs": USER, "src/shared.rs": SHARED}
    first = read(tree(files))
    assert old in SHARED
    changed = tree(files | {"src/shared.rs": SHARED.replace(old, new)})
    assert told(read(changed, None, packed(first.keep()))) == told(read(changed))
    assert told(read(changed, None, first.keep(), first.modules.files)) == told(read(changed))


@pytest.mark.parametrize("at", range(0, 100, 7))
def test_a_damaged_byte_anywhere_is_noticed(at: int) -> None:
    left = bytearray(packed(read(tree(FILES)).keep()))
    left[at * len(left) // 100] ^= 1
    assert told(read(tree(FILES), None, bytes(left))) == told(read(tree(FILES)))


def test_a_guard_that_begins_to_matter_is_seen() -> None:
    guard = b"""
pub struct Turn;
#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Turn {
    type Error = ();
    async fn from_request(request: &'r rocket::Request<'_>) -> rocket::request::Outcome<Self, ()> {
        BODY
        rocket::request::Outcome::Success(Turn)
    }
}
"""
    main = b"""
#[macro_use] extern crate rocket;
mod guard;
pub static TURNS: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
#[get("/turn")]
fn turn(_turn: guard::Turn) -> String { format!("{}", *TURNS.lock().unwrap()) }
"""
    idle, busy = b"let _ = request;", b"*crate::TURNS.lock().unwrap() += 1;"
    files = {"src/main.rs": main, "src/guard.rs": guard.replace(b"BODY", idle)}
    first = read(tree(files))
    changed = tree(files | {"src/guard.rs": guard.replace(b"BODY", busy)})
    again = read(changed, None, packed(first.keep()))
    assert told(again) == told(read(changed))
    assert told(again) != told(first)


MOUNTING = b"""
#[macro_use] extern crate rocket;
mod left;
mod right;
#[get("/here")]
pub fn here(_by: left::Key) {}
#[launch]
fn rocket() -> _ { rocket::build().mount("/a", routes![here]).mount("/b", right::all()) }
"""
LISTING = b"""
#[get("/there")]
pub fn there() {}
pub fn all() -> Vec<rocket::Route> { routes![there] }
"""
KEY = b"""
pub struct Key;
impl Key { fn idle() { let _ = 1; } }
impl<'r> rocket::request::FromRequest<'r> for Key {}
"""


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("src/main.rs", b'"/a"', b'"/elsewhere"'),
        ("src/main.rs", b"routes![here]", b"routes![]"),
        ("src/right.rs", b"routes![there]", b"Vec::new()"),
        ("src/left.rs", b"let _ = 1;", b"let _ = 1;\n\n"),
        ("src/main.rs", b"(_by: left::Key) {}", b"(_by: left::Key) {\n\n}"),
    ],
    ids=["base", "list", "list elsewhere", "a guard moves", "a handler ends elsewhere"],
)
def test_routes_are_what_a_full_reading_finds(path: str, old: bytes, new: bytes) -> None:
    files = {"src/main.rs": MOUNTING, "src/right.rs": LISTING, "src/left.rs": KEY}
    first = read(tree(files))
    assert [handler.route for handler in first.handlers] == ["/a/here", "/b/there"]
    assert old in files[path]
    changed = tree(files | {path: files[path].replace(old, new)})
    again = read(changed, None, packed(first.keep()))
    assert again.handlers == read(changed).handlers
    assert again.handlers != first.handlers
    assert told(again) == told(read(changed))


@pytest.mark.parametrize("damaged", [b"", b"damaged"])
def test_what_cannot_be_decoded_is_not_used(damaged: bytes) -> None:
    assert told(read(tree(FILES), None, damaged)) == told(read(tree(FILES)))


def test_a_file_that_is_gone_takes_nothing_with_it() -> None:
    before = read(tree(FILES))
    files = {path: text for path, text in FILES.items() if path != "src/left.rs"}
    assert told(read(tree(files), None, packed(before.keep()))) == told(read(tree(files)))


@pytest.mark.parametrize("seed", range(12))
def test_any_row_of_edits_tells_what_a_full_reading_tells(seed: int) -> None:
    choose = random.Random(seed)
    files = dict(FILES)
    first = read(tree(files))
    kept, parsed, written = first.keep(), first.modules.files, packed(first.keep())
    for _ in range(4):
        path = choose.choice(sorted(files))
        lines = files[path].split(b"\n")
        at = choose.randrange(len(lines))
        match choose.randrange(4):
            case 0:
                lines.insert(at, b"// a comment")
            case 1:
                lines.insert(at, lines[at])
            case 2:
                del lines[at]
            case _:
                lines[at : at + 2] = reversed(lines[at : at + 2])
        files[path] = b"\n".join(lines)
        full = told(read(tree(files)))
        resident = read(tree(files), None, kept, parsed)
        assert told(resident) == full
        again = read(tree(files), None, written)
        assert told(again) == full
        kept, parsed, written = resident.keep(), resident.modules.files, packed(again.keep())
