"""Sites at what is shared in memory and is neither a plain lock nor an atomic."""

import pytest

from deadheat.model import AccessKind, Site, SiteKind
from deadheat.probe import apply, plan
from tests.rust.programs import program

READ, WRITE = AccessKind.READ, AccessKind.WRITE


def only(declarations: str, statement: str) -> Site:
    """The only site of a handler that is given `s: &State<S>` and does `statement`."""
    found = program(
        f"use rocket::{{get, State}};\n{declarations}\n"
        f'#[get("/")]\nasync fn handler(s: &State<S>) {{ let key = "k"; {statement} }}\n'
    ).sites
    (site,) = found
    return site


@pytest.mark.parametrize(
    ("statement", "kind", "effect"),
    [
        ("s.m.get(key);", SiteKind.MAP_SHARED, READ),
        ("s.m.contains_key(key);", SiteKind.MAP_SHARED, READ),
        ("s.m.len();", SiteKind.MAP_SHARED, READ),
        ("s.m.get_mut(key);", SiteKind.MAP, WRITE),
        ("s.m.entry(key);", SiteKind.MAP, WRITE),
        ("s.m.insert(key, 1);", SiteKind.MAP, WRITE),
    ],
)
def test_a_dash_map_is_a_map_of_locks(statement: str, kind: SiteKind, effect: AccessKind) -> None:
    site = only("use dashmap::DashMap; struct S { m: DashMap<String, u32> }", statement)
    assert (site.kind, site.effect, site.state, site.rooted) == (kind, effect, "app::S.m", True)


@pytest.mark.parametrize(
    ("statement", "effect"),
    [
        ("s.c.get(&key).await;", READ),
        ("s.c.insert(key, 1).await;", WRITE),
        ("s.c.get_with(key, async { 1 }).await;", WRITE),
        ("s.c.try_get_with(key, async { Ok(1) }).await;", WRITE),
    ],
)
def test_what_a_cache_fills_it_changes(statement: str, effect: AccessKind) -> None:
    site = only("use moka::future::Cache; struct S { c: Cache<String, u32> }", statement)
    assert (site.kind, site.effect) == (SiteKind.CALL, effect)


@pytest.mark.parametrize(
    ("statement", "effect"),
    [("s.w.borrow();", READ), ("s.w.send(1);", WRITE), ("s.w.send_modify(|n| *n += 1);", WRITE)],
)
def test_a_watch_channel_is_a_cell(statement: str, effect: AccessKind) -> None:
    site = only("use tokio::sync::watch; struct S { w: watch::Sender<u32> }", statement)
    assert (site.kind, site.effect, site.state) == (SiteKind.ATOMIC, effect, "app::S.w")


def test_upgradable_readers_exclude_each_other() -> None:
    site = only("use parking_lot::RwLock; struct S { n: RwLock<u32> }", "s.n.upgradable_read();")
    assert (site.kind, site.effect) == (SiteKind.LOCK_UPGRADABLE, WRITE)


def test_a_permit_is_waited_for() -> None:
    site = only("use tokio::sync::Semaphore; struct S { p: Semaphore }", "s.p.acquire().await;")
    assert (site.kind, site.operation, site.effect) == (SiteKind.LOCK, "Semaphore::acquire", WRITE)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("std::sync::OnceLock", SiteKind.ATOMIC), ("once_cell::sync::OnceCell", SiteKind.CALL)],
)
def test_a_cell_that_is_set_once(cell: str, kind: SiteKind) -> None:
    one = only(f"struct S {{ n: {cell}<u32> }}", "s.n.get();")
    other = only(f"struct S {{ n: {cell}<u32> }}", "s.n.set(1);")
    assert [(site.kind, site.effect) for site in (one, other)] == [(kind, READ), (kind, WRITE)]


CHANNEL = """\
use rocket::{get, tokio::{self, sync::mpsc}, State};
struct S { tx: mpsc::Sender<u32> }
async fn serve(mut rx: mpsc::Receiver<u32>) { while let Some(n) = rx.recv().await { println!("{n}"); } }
#[get("/")]
async fn handler(s: &State<S>) { s.tx.send(1).await; s.tx.try_send(2); }
"""


def test_both_ends_of_a_channel() -> None:
    receive, *sends = program(CHANNEL).sites
    assert (receive.kind, receive.operation, receive.state) == (SiteKind.RECEIVE, "Receiver::recv", None)
    assert [(send.kind, send.operation, send.state) for send in sends] == [
        (SiteKind.SEND, "Sender::send", "app::S.tx"),
        (SiteKind.SEND, "Sender::try_send", "app::S.tx"),
    ]
    other = CHANNEL.replace("tokio::{self, sync::mpsc}, State}", "State}; use std::sync::mpsc")
    assert {site.kind for site in program(other).sites} == {SiteKind.CALL}


def test_a_stream_is_ordinary_code() -> None:
    found = program(
        "use rocket::{get, State, response::stream::TextStream}; use std::sync::Mutex;\n"
        "struct S { n: Mutex<u32> }\n"
        '#[get("/")]\nfn handler(s: &State<S>) -> TextStream![String + \'_] {\n'
        "    TextStream! { let n = *s.n.lock().unwrap(); yield n.to_string(); }\n}\n"
    ).sites
    assert [(site.kind, site.state) for site in found] == [(SiteKind.LOCK, "app::S.n")]


BANK = """\
use rocket::{get, State};
use std::{collections::HashMap, sync::Mutex};
struct Bank { accounts: HashMap<u32, Mutex<u64>>, total: Mutex<u64> }
fn add(one: &Mutex<u64>) { *one.lock().unwrap() += 1; }
#[get("/<from>/<to>")]
fn transfer(from: u32, to: u32, bank: &State<Bank>) {
    *bank.accounts[&from].lock().unwrap() -= 1;
    *bank.accounts[&to].lock().unwrap() += 1;
    add(&bank.total);
    bank.total.lock().unwrap();
}
"""


def test_what_may_be_one_object_is_never_taken_for_two() -> None:
    """A wrong independence makes the search miss orders: two keys may be equal, a reference any lock."""
    found = program(BANK)
    points = plan(found.sites, {"src/main.rs": BANK.encode()}).points
    lent, one, two, total = (point.resource for point in points)
    assert (lent, one == two, one != total) == (0, True, True)


STATIC = """\
use rocket::get;
static mut HITS: u64 = 0;
static mut NAMES: Vec<u64> = Vec::new();
#[get("/")]
fn handler() {
    let next = unsafe { HITS } + 1;
    unsafe { HITS = next; NAMES.push(next); }
    let borrowed = unsafe { &HITS };
}
"""


def test_a_static_mut_is_read_and_assigned_by_plain_expressions() -> None:
    text = STATIC.encode()
    made = plan(program(STATIC).sites, {"src/main.rs": text})
    edited = apply(made, {"src/main.rs": text})["src/main.rs"].decode()
    hit = "::deadheat_probe::hit"
    assert f"let next = ::deadheat_probe::seq({hit}(1), unsafe {{ HITS }}) + 1;" in edited
    assert f"HITS = ::deadheat_probe::after(next, {hit}(2));" in edited
    assert f"::deadheat_probe::seq({hit}(3), NAMES.push(next));" in edited
    assert "unsafe { &HITS }" in edited
    assert [point.effect for point in made.points] == [READ, WRITE, WRITE]


@pytest.mark.parametrize(
    ("channel", "call"),
    [
        ("std::sync::mpsc::Sender", "send(1)"),
        ("std::sync::mpsc::SyncSender", "try_send(1)"),
        ("crossbeam_channel::Sender", "send_timeout(1, limit)"),
        ("flume::Sender", "send_async(1).await"),
        ("async_channel::Sender", "send(1).await"),
    ],
)
def test_a_queue_of_any_family_is_a_step_when_something_is_put_in(channel: str, call: str) -> None:
    site = only(f"struct S {{ q: {channel}<u32> }}", f"s.q.{call};")
    assert (site.kind, site.effect, site.state) == (SiteKind.CALL, WRITE, "app::S.q")


@pytest.mark.parametrize(
    ("call", "effect"),
    [
        ("load()", READ),
        ("load_full()", READ),
        ("store(x)", WRITE),
        ("swap(x)", WRITE),
        ("rcu(|n| n + 1)", WRITE),
    ],
)
def test_a_swap_cell_is_held_at_each_call(call: str, effect: AccessKind) -> None:
    site = only("struct S { c: arc_swap::ArcSwap<u32> }", f"s.c.{call};")
    assert (site.kind, site.effect, site.state) == (SiteKind.CALL, effect, "app::S.c")
