"""Cells, thread-locals, closures that run under a helper's guard, and values reached by `Deref`."""

from tests.rust.programs import accesses, program


def test_what_an_unsafe_cell_holds_is_accessed() -> None:
    source = """\
use rocket::{post, State};
use std::cell::UnsafeCell;
struct Motto(UnsafeCell<String>);
unsafe impl Sync for Motto {}
#[post("/<text>")]
fn set(text: String, motto: &State<Motto>) { unsafe { *motto.0.get() = text; } }
"""
    assert accesses(program(source)) == [("write", "Motto.0")]


def test_a_once_cell_is_read_and_set() -> None:
    source = """\
use rocket::get;
use std::sync::OnceLock;
static ID: OnceLock<String> = OnceLock::new();
#[get("/")]
fn id() -> bool { ID.get().is_some() || ID.set(String::new()).is_ok() }
"""
    assert accesses(program(source)) == [("read", "ID"), ("rmw", "ID")]


def test_a_closure_runs_where_the_helper_calls_it() -> None:
    source = """\
use rocket::{post, State};
use std::sync::Mutex;
struct Log { lines: Mutex<Vec<String>> }
impl Log {
    fn with<R>(&self, f: impl FnOnce(&mut Vec<String>) -> R) -> R { f(&mut self.lines.lock().unwrap()) }
}
#[post("/<line>")]
fn add(line: String, log: &State<Log>) -> usize { log.with(|lines| { lines.push(line); lines.len() }) }
"""
    read_program = program(source)
    kinds = [
        (a.kind.value, bool(a.under.locks)) for a in read_program.review.accesses if a.handler == "app::add"
    ]
    assert kinds == [("acquire", False), ("rmw", True), ("read", True)]


def test_deref_leads_to_the_field() -> None:
    source = """\
use rocket::{get, State};
use std::{ops::Deref, sync::Mutex};
struct Db(Mutex<u32>);
impl Deref for Db {
    type Target = Mutex<u32>;
    fn deref(&self) -> &Self::Target { &self.0 }
}
#[get("/")]
fn one(db: &State<Db>) -> u32 { *db.lock().unwrap() + *db.0.lock().unwrap() }
"""
    assert {state for _, state in accesses(program(source))} == {"Db.0"}


def test_a_guard_taken_by_one_arm_is_released_on_the_others() -> None:
    source = """\
use dashmap::DashMap;
use rocket::{get, State};
struct Jobs { by_id: DashMap<u32, bool> }
#[get("/<id>")]
fn run(id: u32, jobs: &State<Jobs>) -> u32 {
    match jobs.by_id.get(&id) {
        Some(done) if *done => return 1,
        Some(_) => {}
        None => return 0,
    }
    jobs.by_id.insert(id, true);
    2
}
"""
    inserts = [a for a in program(source).review.accesses if a.operation == "DashMap::insert"]
    assert [a.under.locks for a in inserts] == [()]
