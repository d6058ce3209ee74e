"""Places where a request can be held."""

from deadheat.model import AccessKind, SiteKind
from tests.rust.programs import program, texts

SOURCE = """\
use rocket::{get, launch, routes, State, tokio};
use std::sync::{Mutex, atomic::{AtomicU32, Ordering}};
struct S { n: Mutex<u32>, c: AtomicU32 }
fn s() -> &'static S { todo!() }
#[get("/")]
async fn é(state: &State<S>) -> String {
    let ä = "é"; state.c.store(state.c.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    tokio::spawn(async move { s().n.lock().unwrap(); });
    json!({ "n": *state.n.lock().unwrap(), "x": [format!("{}", *state.n.try_lock().unwrap())] });
    my_macro!(state.n.lock().unwrap());
    format!("é {} {ä}", *state.n.lock().unwrap())
}
#[launch]
fn rocket() -> _ { rocket::build().mount("/", routes![é]) }
"""


def test_sites_have_exact_ranges_also_inside_macros() -> None:
    found = program(SOURCE)
    assert texts(found, SOURCE) == [
        "state.c.store(state.c.load(Ordering::SeqCst) + 1, Ordering::SeqCst)",
        "state.c.load(Ordering::SeqCst)",
        "tokio::spawn(async move { s().n.lock().unwrap(); })",
        "s().n.lock()",
        "state.n.lock()",
        "state.n.try_lock()",
        "state.n.lock()",
        "rocket::build()",
    ]
    content = SOURCE.encode()
    store, load, spawn, called, first, attempt, last, build = found.sites
    assert [content[slice(*argument)].decode() for argument in store.arguments] == [
        "state.c.load(Ordering::SeqCst) + 1",
        "Ordering::SeqCst",
    ]
    assert (store.kind, store.effect, store.nested_calls) == (SiteKind.ATOMIC, AccessKind.WRITE, True)
    assert (load.effect, load.nested_calls, load.rooted) == (AccessKind.READ, False, True)
    assert spawn.kind is SiteKind.SPAWN_FUTURE
    assert (called.receiver_is_place, called.rooted) == (False, False)
    assert first.receiver is not None
    assert content[slice(*first.receiver)] == b"state.n"
    assert (attempt.kind, last.kind, build.kind) == (SiteKind.TRY_LOCK, SiteKind.LOCK, SiteKind.BUILD)
    assert last.operation == "Mutex::lock"
    assert last.state == "app::S.n"
    # Columns count characters: the line has three before the call that take two bytes.
    assert SOURCE.splitlines()[last.span.start_line - 1][last.span.start_column - 1 :].startswith(
        "state.n.lock()"
    )


def test_a_call_that_only_borrows_leaves_the_receiver_a_place() -> None:
    source = SOURCE.replace("my_macro!(state.n.lock().unwrap());", "state.inner().n.lock().unwrap();")
    borrowed = program(source).sites[6]
    assert borrowed.receiver is not None
    assert source.encode()[slice(*borrowed.receiver)] == b"state.inner().n"
    assert (borrowed.receiver_is_place, borrowed.rooted, borrowed.state) == (True, True, "app::S.n")


def test_a_rocket_may_be_built_through_its_type() -> None:
    source = SOURCE.replace("rocket::build()", "rocket::Rocket::custom(rocket::Config::default())")
    assert program(source).sites[-1].kind is SiteKind.BUILD


def test_a_connection_that_a_function_is_given_runs_closures_for_the_request_too() -> None:
    source = SOURCE.replace(
        "fn s()",
        "pub struct Db(diesel::SqliteConnection);\nasync fn all(c: &Db) { c.run(|c| c.x()).await }\nfn s()",
    )
    assert [site.operation for site in program(source).sites if site.kind is SiteKind.SPAWN_CLOSURE] == [
        "run"
    ]
