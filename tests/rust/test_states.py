"""Shared states: kinds, names, and one identity however they are reached."""

from deadheat.model import StateKind
from tests.rust.programs import accesses, program

ALL = """\
use rocket::{get, State};
use std::{collections::HashMap, sync::{Arc, LazyLock, OnceLock, atomic::{AtomicU64, Ordering::SeqCst}}};
use rocket::tokio::sync::RwLock;
use dashmap::DashMap;

static TOTAL: AtomicU64 = AtomicU64::new(0);
static LOG: LazyLock<std::sync::Mutex<Vec<String>>> = LazyLock::new(Default::default);
static ONCE: OnceLock<parking_lot::Mutex<u8>> = OnceLock::new();
lazy_static::lazy_static! { static ref OLD: std::sync::Mutex<u32> = std::sync::Mutex::new(0); }

type Db = Arc<std::sync::Mutex<HashMap<String, u32>>>;
struct Inner { users: RwLock<Vec<String>> }
struct App { inner: Arc<Inner>, map: DashMap<u32, u32> }

impl Inner {
    async fn add(&self, name: String) { self.users.write().await.push(name); }
}

fn once() -> &'static parking_lot::Mutex<u8> { ONCE.get_or_init(|| parking_lot::Mutex::new(0)) }

#[get("/")]
async fn all(app: &State<App>, db: &State<Db>) -> String {
    TOTAL.fetch_add(1, SeqCst);
    LOG.lock().unwrap().push(String::new());
    *once().lock() += 1;
    *OLD.lock().unwrap() = 1;
    app.inner.add("x".into()).await;
    let inner = Arc::clone(&app.inner);
    inner.users.read().await.len();
    app.map.insert(1, 2);
    let db = db.inner().clone();
    db.lock().unwrap().insert("k".into(), 1);
    String::new()
}
"""


def test_kinds_and_names() -> None:
    states = {state.path: (state.kind, state.type) for state in program(ALL).review.states}
    assert states == {
        "TOTAL": (StateKind.ATOMIC, "AtomicU64"),
        "LOG": (StateKind.MUTEX, "LazyLock<Mutex<Vec<String>>>"),
        "ONCE": (StateKind.MUTEX, "OnceLock<Mutex<u8>>"),
        "OLD": (StateKind.MUTEX, "Mutex<u32>"),
        "App.inner.users": (StateKind.RWLOCK, "RwLock<Vec<String>>"),
        "App.map": (StateKind.MAP, "DashMap<u32, u32>"),
        "Db": (StateKind.MUTEX, "Arc<Mutex<HashMap<String, u32>>>"),
    }


def test_accesses_in_order() -> None:
    assert accesses(program(ALL)) == [
        ("rmw", "TOTAL"),
        ("acquire", "LOG"),
        ("rmw", "LOG"),
        ("acquire", "ONCE"),
        ("rmw", "ONCE"),
        ("acquire", "OLD"),
        ("write", "OLD"),
        ("acquire", "App.inner.users"),
        ("rmw", "App.inner.users"),
        ("acquire", "App.inner.users"),
        ("read", "App.inner.users"),
        ("rmw", "App.map"),
        ("acquire", "Db"),
        ("rmw", "Db"),
    ]


def test_a_helper_s_access_names_the_call() -> None:
    found = program(ALL)
    (write,) = [access for access in found.review.accesses if access.operation == "RwLock::write"]
    assert [span.start_line for span in write.via] == [27]
    assert write.under.locks == ()
    push = next(access for access in found.review.accesses if access.operation == "Vec::push" and access.via)
    assert push.under.locks == ("app::App.inner.users",)


def test_a_lock_of_this_request_alone_is_not_shared() -> None:
    found = program(
        'use std::sync::Mutex;\n#[rocket::get("/")] fn f() { let m = Mutex::new(1); *m.lock().unwrap() = 1; }'
    )
    assert found.review.states == ()
    assert found.sites == ()


def test_request_guards_run_before_the_handler() -> None:
    found = program(
        """\
use rocket::{get, request::{FromRequest, Outcome}, Request, State};
use std::sync::Mutex;
struct Quota { left: Mutex<u32> }
struct Allowed;
#[rocket::async_trait]
impl<'r> FromRequest<'r> for Allowed {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let quota = request.rocket().state::<Quota>().unwrap();
        if *quota.left.lock().unwrap() == 0 { return Outcome::Forward(()); }
        Outcome::Success(Allowed)
    }
}
#[get("/")]
fn spend(allowed: Allowed, quota: &State<Quota>) { *quota.left.lock().unwrap() -= 1; }
"""
    )
    assert accesses(found, "spend") == [
        ("acquire", "Quota.left"),
        ("read", "Quota.left"),
        ("acquire", "Quota.left"),
        ("rmw", "Quota.left"),
    ]
