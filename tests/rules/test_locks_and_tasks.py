"""The rules about locks, tasks, channels and files beyond their examples.

Among them what users of other tools report as missed or wrong: tokio's locks, guards that move,
`drop` in one arm, locks of different objects inside a macro, guards passed into functions, values
that go through several bindings.
"""

import pytest

from deadheat.model import Confidence, Finding
from deadheat.rules import RULES, check
from deadheat.rust import read
from tests.rules.test_examples import tree

HEAD = """\
use rocket::{get, post, State, tokio, tokio::sync::Mutex};
use std::{collections::HashMap, sync::{Arc, RwLock}};
struct S { a: Mutex<Vec<u32>>, b: Mutex<Vec<u32>>, c: std::sync::Mutex<u32>, all: Vec<Mutex<u32>>,
           users: RwLock<HashMap<String, u32>> }
async fn pause() {}
"""
MINE = (
    "rwlock-upgrade-while-reading", "recursive-read-lock", "map-reference-held", "request-ordered-locks",
    "lock-dropped-at-once", "poisoned-lock", "map-reference-across-await", "blocking-guard-across-await",
    "lock-across-io", "lock-across-blocking-call", "blocking-call-in-handler", "pool-self-starvation",
    "respond-before-persist", "actor-check-then-act", "guard-then-handler", "executed-twice",
    "cancelled-between-writes", "file-check-then-act",
)  # fmt: skip


def found(source: str, edition: str = "2021") -> list[Finding]:
    return [f for f in check(read(tree(HEAD + source, edition))) if f.confidence is not Confidence.LOW]


def names(source: str, edition: str = "2021") -> list[str]:
    return [finding.rule for finding in found(source, edition)]


@pytest.mark.parametrize("name", MINE)
def test_valid_examples_are_silent_at_any_confidence(name: str) -> None:
    for example in RULES[name].valid:
        assert name not in [finding.rule for finding in check(read(tree(example.source)))], example.title


# ---------------------------------------------------------------- what others miss or get wrong


def test_a_tokio_guard_moved_to_another_name_is_one_acquisition() -> None:
    body = "let one = s.a.lock().await; let mut other = one; other.push(1);"
    assert names(f'#[post("/")] async fn h(s: &State<S>) {{ {body} }}') == []


def test_a_tokio_guard_moved_to_another_name_still_holds() -> None:
    body = "let one = s.a.lock().await; let other = one; s.a.lock().await.push(1); drop(other);"
    assert names(f'#[post("/")] async fn h(s: &State<S>) {{ {body} }}') == ["same-lock-re-entry"]


def test_a_drop_in_one_arm_ends_the_guard_there_only() -> None:
    body = "let g = s.a.lock().await; match n {{ 0 => drop(g), _ => {{ {0} }} }}"
    handler = '#[post("/<n>")] async fn h(n: u8, s: &State<S>) {{ {0} }}'
    held = body.format("s.a.lock().await.push(1); drop(g)")
    free = "let g = s.a.lock().await; match n { 0 => { drop(g); s.a.lock().await.push(1) } _ => drop(g) }"
    assert names(handler.format(held)) == ["same-lock-re-entry"]
    assert names(handler.format(free)) == []


LOCK_MACRO = "macro_rules! with { ($lock:expr, $value:expr) => { $lock.lock().await.push($value) }; }\n"


def test_locks_of_different_objects_in_one_macro_stay_apart() -> None:
    body = "let g = s.a.lock().await; with!(s.b, 1); drop(g);"
    assert names(f'{LOCK_MACRO}#[post("/")] async fn h(s: &State<S>) {{ {body} }}') == []
    again = body.replace("s.b", "s.a")
    (finding,) = found(f'{LOCK_MACRO}#[post("/")] async fn h(s: &State<S>) {{ {again} }}')
    assert finding.rule == "same-lock-re-entry"
    assert finding.location.start_line == 7  # the macro's call, not its body


def test_a_guard_passed_into_a_function_is_held_there() -> None:
    helper = (
        "async fn add(mut g: tokio::sync::MutexGuard<'_, Vec<u32>>, s: &S) "
        "{ s.a.lock().await.push(1); g.push(2); }\n"
    )
    handler = '#[post("/")] async fn h(s: &State<S>) { let g = s.a.lock().await; add(g, s).await; }'
    assert names(helper + handler) == ["same-lock-re-entry"]


def test_a_guard_lent_to_a_function_makes_one_step() -> None:
    helper = "fn add(list: &mut Vec<u32>) { if list.is_empty() { list.push(1) } }\n"
    handler = '#[post("/")] async fn h(s: &State<S>) { let mut g = s.a.lock().await; add(&mut g); }'
    assert names(helper + handler) == []


def test_a_value_through_several_bindings_is_followed() -> None:
    body = (
        "let old = *s.c.lock().unwrap(); let half = old / 2; let (x, y) = (half, 1); let new = x + y; "
        "*s.c.lock().unwrap() = new;"
    )
    assert names(f'#[post("/")] fn h(s: &State<S>) {{ {body} }}') == ["lock-gap-read-modify-write"]


# ---------------------------------------------------------------- locks


@pytest.mark.parametrize("edition", ["2021", "2024"])
def test_scrutinee_and_helper_in_both_editions(edition: str) -> None:
    helper = "async fn total(s: &S) -> usize { s.a.lock().await.len() }\n"
    match = "match s.a.lock().await.first() { Some(_) => total(s).await, None => 0 };"
    then = "if let Some(_) = s.a.lock().await.first() { total(s).await; }"
    other = "if let Some(_) = s.a.lock().await.first() { } else { total(s).await; }"
    walk = "while let Some(_) = s.a.lock().await.pop() { total(s).await; }"
    for body in (match, then, walk):
        handler = f'#[post("/")] async fn h(s: &State<S>) {{ {body} }}'
        assert names(helper + handler, edition) == ["same-lock-re-entry"], body
    handler = f'#[post("/")] async fn h(s: &State<S>) {{ {other} }}'
    assert names(helper + handler, edition) == (["same-lock-re-entry"] if edition == "2021" else [])


def test_four_locks_in_a_circle_are_one_finding() -> None:
    locks = "struct Q { a: Mutex<u8>, b: Mutex<u8>, c: Mutex<u8>, d: Mutex<u8> }\n"
    handlers = "".join(
        f'#[post("/{x}")] async fn h{x}(q: &State<Q>) '
        f"{{ let g = q.{x}.lock().await; *q.{y}.lock().await += *g; }}\n"
        for x, y in ("ab", "bc", "cd", "da")
    )
    findings = [f for f in found(locks + handlers) if f.rule == "lock-order-inversion"]
    assert len(findings) == 1
    assert len(findings[0].handlers) == 4
    straight = handlers.replace("q.d.lock().await; *q.a", "q.a.lock().await; *q.d")
    assert [f for f in found(locks + straight) if f.rule == "lock-order-inversion"] == []


def test_elements_behind_one_more_lock_do_not_cross() -> None:
    body = (
        "let _all = s.b.lock().await; "
        "let mut x = s.all[i].lock().await; let y = s.all[j].lock().await; *x += *y;"
    )
    assert names(f'#[post("/<i>/<j>")] async fn h(i: usize, j: usize, s: &State<S>) {{ {body} }}') == []
    bare = body.replace("let _all = s.b.lock().await; ", "")
    assert names(f'#[post("/<i>/<j>")] async fn h(i: usize, j: usize, s: &State<S>) {{ {bare} }}') == [
        "request-ordered-locks"
    ]


def test_a_map_reference_that_was_dropped_is_gone() -> None:
    source = """\
use dashmap::DashMap;
struct M { map: DashMap<u32, u32> }
#[post("/<k>")] async fn h(k: u32, m: &State<M>) -> Option<()> {
    let r = m.map.get(&k)?;
    let n = *r;
    drop(r);
    pause().await;
    m.map.remove(&n);
    Some(())
}
"""
    assert names(source) == []


def test_a_missing_entry_holds_nothing() -> None:
    source = """\
use dashmap::DashMap;
struct M { map: DashMap<u32, u32> }
#[post("/<k>")] async fn h(k: u32, m: &State<M>) {
    match m.map.get_mut(&k) {
        Some(mut n) => *n += 1,
        None => pause().await,
    }
}
"""
    assert names(source) == []


# ---------------------------------------------------------------- macros


def test_select_arms_are_read() -> None:
    source = """\
#[post("/")] async fn h(s: &State<S>, end: rocket::Shutdown) {
    let g = s.a.lock().await;
    tokio::select! {
        biased;
        _ = end => {},
        _ = pause(), if g.is_empty() => { s.a.lock().await.push(1); }
    }
}
"""
    (finding,) = found(source)
    assert finding.rule == "same-lock-re-entry"
    assert finding.location.start_line == 11


def test_streams_are_roots_of_their_own() -> None:
    source = """\
use rocket::response::stream::{Event, EventStream};
#[get("/")] fn h(s: &State<Arc<S>>) -> EventStream![] {
    let s = s.inner().clone();
    EventStream! {
        let seen = s.a.lock().await.len();
        yield Event::data("x");
        if seen == 0 { s.a.lock().await.push(1); }
    }
}
"""
    program = read(tree(HEAD + source))
    assert [root.task for root in program.roots if root.handler is not None] == [False, True]
    assert names(source) == ["check-then-act"]


def test_json_and_lazy_static_are_read() -> None:
    source = """\
lazy_static::lazy_static! { static ref SEEN: Mutex<u32> = Mutex::new(0); }
#[get("/")] async fn h() -> rocket::serde::json::Value {
    let g = SEEN.lock().await;
    rocket::serde::json::json!({ "seen": *SEEN.lock().await, "was": *g })
}
"""
    assert names(source) == ["same-lock-re-entry"]


def test_a_macro_that_calls_itself_ends() -> None:
    source = "macro_rules! again { ($x:expr) => { again!($x); again!($x); }; }\n"
    assert names(source + '#[post("/")] fn h() { again!(1); }') == []


# ---------------------------------------------------------------- roots


def test_fairings_and_catchers_run_for_requests() -> None:
    source = """\
static SEEN: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
struct Count;
#[rocket::async_trait]
impl rocket::fairing::Fairing for Count {
    fn info(&self) -> rocket::fairing::Info { todo!() }
    async fn on_request(&self, _r: &mut rocket::Request<'_>, _d: &mut rocket::Data<'_>) {
        let n = *SEEN.lock().unwrap();
        *SEEN.lock().unwrap() = n + 1;
    }
}
#[rocket::catch(404)] fn missing() { if *SEEN.lock().unwrap() > 3 { *SEEN.lock().unwrap() = 0; } }
"""
    assert {(f.rule, f.confidence.value) for f in found(source)} == {
        ("lock-gap-read-modify-write", "high"), ("check-then-act", "high"),
    }  # fmt: skip


def test_a_guard_inside_a_guard_is_looked_through() -> None:
    source = """\
use rocket::{request::{FromRequest, Outcome}, Request};
struct User; struct Admin;
#[rocket::async_trait] impl<'r> FromRequest<'r> for User { type Error = ();
    async fn from_request(r: &'r Request<'_>) -> Outcome<Self, ()> {
        let s = r.rocket().state::<S>().unwrap();
        if s.users.read().unwrap().contains_key("x") { return Outcome::Success(User) }
        Outcome::Forward(todo!())
    } }
#[rocket::async_trait] impl<'r> FromRequest<'r> for Admin { type Error = ();
    async fn from_request(r: &'r Request<'_>) -> Outcome<Self, ()> {
        let _user = r.guard::<User>().await.unwrap();
        Outcome::Success(Admin)
    } }
#[post("/")] fn h(_a: Admin, s: &State<S>) { s.users.write().unwrap().remove("x"); }
"""
    program = read(tree(HEAD + source))
    handler = next(root for root in program.roots if root.handler is not None)
    assert [e.method for e in handler.events[: handler.entry] if e.place and e.place.is_content] == [
        "contains_key"
    ]


def test_a_data_guard_runs_after_the_request_guards() -> None:
    source = """\
use rocket::{data::{Data, FromData, Outcome as D}, request::{FromRequest, Outcome}, Request};
struct Body; struct User;
#[rocket::async_trait] impl<'r> FromData<'r> for Body { type Error = ();
    async fn from_data(r: &'r Request<'_>, _d: Data<'r>) -> D<'r, Self> {
        r.rocket().state::<S>().unwrap().a.lock().await.push(1); D::Success(Body) } }
#[rocket::async_trait] impl<'r> FromRequest<'r> for User { type Error = ();
    async fn from_request(r: &'r Request<'_>) -> Outcome<Self, ()> {
        r.rocket().state::<S>().unwrap().b.lock().await.push(1); Outcome::Success(User) } }
#[post("/", data = "<body>")] fn h(body: Body, user: User) {}
"""
    program = read(tree(HEAD + source))
    handler = next(root for root in program.roots if root.handler is not None)
    locks = [e.place.path for e in handler.events if e.kind == "acquire" and e.place is not None]
    assert locks == [("b",), ("a",)]


# ---------------------------------------------------------------- tasks, channels, files


def test_joined_tasks_are_waited_for() -> None:
    task = 'tokio::spawn(async move { let _ = tokio::fs::write("x", "y").await; })'
    shapes = {
        f"let t = {task}; t.await;": [],
        f"let mut all = Vec::new(); all.push({task}); rocket::futures::future::join_all(all).await;": [],
        f"let t = {task}; let _ = tokio::join!(t, pause());": [],
        f"{task};": ["respond-before-persist"],
        f"let _ = {task};": ["respond-before-persist"],
    }
    for body, expected in shapes.items():
        assert names(f'#[post("/")] async fn h() {{ {body} }}') == expected, body


def test_a_loser_of_a_select_that_only_waits_is_no_loss() -> None:
    source = """\
#[post("/")] async fn h(s: &State<S>, end: rocket::Shutdown) {
    tokio::select! {
        _ = end => {},
        _ = pause() => { s.a.lock().await.push(1); s.b.lock().await.push(1); }
    }
}
"""
    assert "cancelled-between-writes" not in names(source)


def test_files_that_one_request_alone_knows() -> None:
    unique = 'let path = format!("/tmp/{}", uuid::Uuid::new_v4());'
    shared = 'let path = format!("/data/{}", name);'
    body = (
        "let text = tokio::fs::read_to_string(&path).await.unwrap_or_default(); "
        "let _ = tokio::fs::write(&path, text + name).await;"
    )
    handler = '#[post("/<name>")] async fn h(name: &str) {{ {0} {1} }}'
    assert names(handler.format(unique, body)) == []
    assert names(handler.format(shared, body)) == ["file-check-then-act"]


def test_a_file_lock_makes_one_step() -> None:
    body = """
    let mut file = std::fs::File::options().read(true).write(true).open("n")?; {0}
    let mut text = String::new(); file.read_to_string(&mut text)?;
    let n: u32 = text.parse().unwrap_or(0);
    file.write_all((n + 1).to_string().as_bytes())?; Ok(())"""
    handler = '#[post("/")] fn h() -> std::io::Result<()> {{ {0} }}'
    opened = body.replace("std::fs::File::options()", "std::fs::OpenOptions::new()")
    assert names(handler.format(opened.replace("{0}", ""))) == ["file-check-then-act"]
    assert names(handler.format(opened.replace("{0}", "file.lock_exclusive()?;"))) == []


def test_work_on_a_thread_that_may_wait_blocks_nobody() -> None:
    slow = "std::thread::sleep(std::time::Duration::from_secs(1))"
    blocked = [f"{slow};", f"fn nap() {{ {slow} }} nap();"]
    moved = [f"tokio::task::spawn_blocking(|| {slow}).await;", f"std::thread::spawn(|| {slow});",
             f"tokio::task::block_in_place(|| {slow});"]  # fmt: skip
    for body in blocked:
        assert names(f'#[get("/")] async fn h() {{ {body} }}') == ["blocking-call-in-handler"], body
    for body in moved:
        assert names(f'#[get("/")] async fn h() {{ {body} }}') == [], body


def test_a_file_under_a_short_random_name_is_a_note() -> None:
    source = """\
use rand::Rng;
#[post("/")] async fn h() -> std::io::Result<()> {
    let name = rand::thread_rng().gen::<u16>().to_string();
    tokio::fs::File::create(&name).await?;
    Ok(())
}
"""
    (note,) = [f for f in check(read(tree(HEAD + source))) if f.rule == "file-check-then-act"]
    assert note.confidence is Confidence.LOW
    once = source.replace("File::create(", "File::create_new(")
    assert check(read(tree(HEAD + once))) == ()
