"""Sites at words that requests say to each other, in `select!` and in streams."""

import pytest

from deadheat.model import AccessKind, Site, SiteKind
from deadheat.probe import apply, plan
from deadheat.rust.lower.macros import plain_stream
from deadheat.rust.syntax import parse
from tests.rust.programs import program

READ, WRITE = AccessKind.READ, AccessKind.WRITE
WAIT, CALL = SiteKind.WAIT, SiteKind.CALL

HEAD = """\
use rocket::{get, State, tokio::{select, sync::{broadcast, watch, Barrier, Notify, Semaphore}}};
use std::sync::{Condvar, Mutex};
struct S {
    bell: Notify, gate: Barrier, news: broadcast::Sender<u32>, level: watch::Sender<u32>, slots: Semaphore,
    turn: Condvar, start: std::sync::Barrier, count: Mutex<u32>,
}
"""


def handler(body: str, head: str = HEAD) -> str:
    return f'{head}#[get("/")]\nasync fn handler(s: &State<S>) {{\n{body}\n}}\n'


def sites(body: str) -> tuple[Site, ...]:
    return program(handler(body)).sites


def edited(text: str) -> str:
    made = plan(program(text).sites, {"src/main.rs": text.encode()})
    return apply(made, {"src/main.rs": text.encode()})["src/main.rs"].decode()


@pytest.mark.parametrize(
    ("statement", "kind", "effect", "state"),
    [
        ("s.bell.notified().await;", WAIT, WRITE, "bell"),
        ("s.bell.notify_one();", CALL, WRITE, "bell"),
        ("s.bell.notify_waiters();", CALL, WRITE, "bell"),
        ("s.gate.wait().await;", WAIT, WRITE, "gate"),
        ("s.start.wait();", CALL, WRITE, "start"),
        ("s.turn.notify_all();", CALL, WRITE, "turn"),
        ("s.news.send(1);", CALL, WRITE, "news"),
        ("s.news.receiver_count();", CALL, READ, "news"),
        ("s.slots.acquire_many(2).await;", WAIT, WRITE, "slots"),
        ("s.slots.try_acquire();", CALL, WRITE, "slots"),
        ("s.slots.available_permits();", CALL, READ, "slots"),
        ("let told = s.bell.notified();", CALL, WRITE, "bell"),
        ("timeout(limit, s.bell.notified()).await;", CALL, WRITE, "bell"),
    ],
)
def test_a_word_is_a_step_and_who_awaits_it_at_once_waits(
    statement: str, kind: SiteKind, effect: AccessKind, state: str
) -> None:
    (site,) = sites(statement)
    assert (site.kind, site.effect, site.state) == (kind, effect, f"app::S.{state}")


def test_both_halves_are_one_channel() -> None:
    found = sites("let mut news = s.news.subscribe();\nnews.recv().await;\ns.news.send(1);")
    assert [(site.kind, site.state) for site in found] == [
        (kind, "app::S.news") for kind in (CALL, WAIT, CALL)
    ]
    found = sites("let mut level = s.level.subscribe();\nlevel.changed().await;")
    assert [(site.kind, site.effect, site.state) for site in found] == [
        (CALL, READ, "app::S.level"),
        (WAIT, WRITE, "app::S.level"),
    ]


def test_a_receiver_from_elsewhere_conflicts_with_everything() -> None:
    text = handler("", HEAD) + "async fn hear(mut news: broadcast::Receiver<u32>) { news.recv().await; }\n"
    (point,) = plan(program(text).sites, {"src/main.rs": text.encode()}).points
    assert (point.resource, point.effect) == (0, WRITE)


def test_a_condition_variable_waits_with_the_guard_that_it_is_given() -> None:
    found = sites("let held = s.count.lock().unwrap();\nlet held = s.turn.wait_while(held, |n| *n == 0);")
    assert [(site.kind, site.state) for site in found] == [
        (SiteKind.LOCK, "app::S.count"),
        (CALL, "app::S.turn"),
    ]


def test_what_is_awaited_is_held_first_and_then_tells_that_it_waits() -> None:
    text = edited(handler("s.bell.notified().await;"))
    assert (
        "::deadheat_probe::seq(::deadheat_probe::hit(1), ::deadheat_probe::waits(s.bell.notified())).await;"
    ) in text


SELECT = """\
let mut news = s.news.subscribe();
select! {
    _ = s.bell.notified() => return,
    heard = news.recv(), if true => { s.bell.notify_one(); }
}
*s.count.lock().unwrap() += 1;"""


def test_the_arms_of_a_select_are_one_step_that_conflicts_with_all() -> None:
    _, arm, handled, counted = sites(SELECT)
    assert (arm.operation, arm.kind, arm.wide) == ("Receiver::recv", CALL, True)
    assert (handled.operation, handled.wide) == ("Notify::notify_one", False)
    assert counted.state == "app::S.count"
    text = edited(handler(SELECT))
    assert "_ = s.bell.notified() => return," in text
    assert "heard = ::deadheat_probe::seq(::deadheat_probe::hit(2), news.recv()), if true =>" in text


def test_what_follows_a_select_is_a_statement_of_its_own() -> None:
    racy = """\
if *s.count.lock().unwrap() > 0 { return; }
select! { _ = s.bell.notified() => {} }
*s.count.lock().unwrap() = 1;"""
    review = program(handler(racy)).review
    kinds = [access.kind for access in review.accesses if access.state == "app::S.count"]
    assert AccessKind.WRITE in kinds
    assert kinds.index(AccessKind.READ) < kinds.index(AccessKind.WRITE)


SOCKET = """\
use rocket::{get, State};
use rocket_ws as ws;
use std::sync::Mutex;
struct Hall { taken: Mutex<u32> }
#[get("/")]
fn hall<'r>(ws: ws::WebSocket, hall: &'r State<Hall>) -> ws::Stream!['r] {
    ws::Stream! { ws =>
        for await message in ws {
            *hall.taken.lock().unwrap() += 1;
            yield message?;
        }
    }
}
#[get("/channel")]
fn channel<'r>(ws: ws::WebSocket, hall: &'r State<Hall>) -> ws::Channel<'r> {
    ws.channel(move |io| Box::pin(talk(io, hall)))
}
async fn talk(io: ws::stream::DuplexStream, hall: &State<Hall>) -> ws::result::Result<()> {
    *hall.taken.lock().unwrap() += 1;
    Ok(())
}
#[get("/plain")]
fn plain<'r>(ws: ws::WebSocket, hall: &'r State<Hall>) -> ws::Stream!['r] {
    ws.stream(move |io| io.inspect(move |_| *hall.taken.lock().unwrap() += 1))
}
"""


def test_what_a_websocket_does_is_held_wherever_it_is_written() -> None:
    found = program(SOCKET).sites
    assert [(site.kind, site.state) for site in found] == [(SiteKind.LOCK, "app::Hall.taken")] * 3
    taken = {(access.handler, access.state) for access in program(SOCKET).review.accesses}
    assert {handler for handler, _ in taken} == {"app::hall", "app::channel", "app::plain"}


@pytest.mark.parametrize(
    "content",
    [b" ws =>\n for await message in ws { yield message?; } ", b" for  await n in numbers() { yield n; } "],
)
def test_the_block_of_a_stream_is_rust_of_the_same_length(content: bytes) -> None:
    plain = plain_stream(content)
    assert (len(plain), plain.count(b"\n")) == (len(content), content.count(b"\n"))
    assert not parse(b"fn f() {" + plain + b"}").root_node.has_error


def test_who_says_a_word_meets_who_awaits_it() -> None:
    text = HEAD + (
        '#[get("/wait")]\nasync fn wait(s: &State<S>) { select! { _ = s.bell.notified() => {} } }\n'
        '#[get("/ring")]\nfn ring(s: &State<S>) { s.bell.notify_one(); }\n'
    )
    touched = {(access.handler, access.state) for access in program(text).review.accesses}
    assert touched == {("app::wait", "app::S.bell"), ("app::ring", "app::S.bell")}
