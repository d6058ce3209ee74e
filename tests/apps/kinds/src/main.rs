//! State of many kinds: a stream, a cell that is set once, a watch channel, a
//! `static mut`, each with a race; and without one, a worker fed by messages that are not replied to, and a
//! lock that somebody made of a flag and a `Notify`.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};

use rocket::response::stream::TextStream;
use rocket::tokio::sync::{mpsc, watch, Notify};
use rocket::tokio::{spawn, task::yield_now};
use rocket::{get, launch, post, routes, State};

struct Desk {
    next: AtomicU64,
    first: OnceLock<String>,
    level: watch::Sender<u64>,
    sum: Arc<AtomicU64>,
    work: mpsc::UnboundedSender<u64>,
    taken: AtomicBool,
    free: Notify,
    inside: Mutex<u64>,
}

static mut HITS: u64 = 0;

/// The number is given out while the answer is sent.
#[post("/ticket")]
fn ticket(desk: &State<Desk>) -> TextStream![String + '_] {
    TextStream! {
        let number = desk.next.load(SeqCst);
        yield format!("number {number}");
        desk.next.store(number + 1, SeqCst);
    }
}

#[post("/first/<name>")]
fn first(name: &str, desk: &State<Desk>) -> &'static str {
    if desk.first.get().is_some() {
        return "too late";
    }
    let _ = desk.first.set(name.to_string());
    "first"
}

#[post("/level")]
fn level(desk: &State<Desk>) -> String {
    let next = *desk.level.borrow() + 1;
    desk.level.send_replace(next);
    next.to_string()
}

#[post("/hit")]
fn hit() -> String {
    let next = unsafe { HITS } + 1;
    unsafe { HITS = next };
    next.to_string()
}

/// Alone with what it adds up, one message after the other: no race, whatever the senders do.
async fn add_up(mut work: mpsc::UnboundedReceiver<u64>, sum: Arc<AtomicU64>) {
    while let Some(amount) = work.recv().await {
        let before = sum.load(SeqCst);
        yield_now().await;
        sum.store(before + amount, SeqCst);
    }
}

#[post("/add")]
fn add(desk: &State<Desk>) -> &'static str {
    let _ = desk.work.send(1);
    "added"
}

/// One at a time: who finds it taken waits for the bell.
#[post("/enter")]
async fn enter(desk: &State<Desk>) -> String {
    while desk.taken.swap(true, SeqCst) {
        desk.free.notified().await;
    }
    let before = *desk.inside.lock().unwrap();
    *desk.inside.lock().unwrap() = before + 1;
    desk.taken.store(false, SeqCst);
    desk.free.notify_one();
    before.to_string()
}

thread_local! {
    static SERVED: Cell<u64> = const { Cell::new(0) };
}

/// Counts for the thread that happens to serve it.
#[post("/served")]
fn served() -> &'static str {
    SERVED.with(|served| served.set(served.get() + 1));
    "served"
}

#[get("/sum")]
fn total(desk: &State<Desk>) -> String {
    desk.sum.load(SeqCst).to_string()
}

#[launch]
async fn rocket() -> _ {
    let (work, orders) = mpsc::unbounded_channel();
    let sum = Arc::new(AtomicU64::new(0));
    spawn(add_up(orders, sum.clone()));
    let desk = Desk {
        next: AtomicU64::new(0),
        first: OnceLock::new(),
        level: watch::Sender::new(0),
        sum,
        work,
        taken: AtomicBool::new(false),
        free: Notify::new(),
        inside: Mutex::new(0),
    };
    rocket::build().manage(desk).mount(
        "/",
        routes![ticket, first, level, hit, add, enter, served, total],
    )
}
