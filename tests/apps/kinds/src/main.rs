//! State of many kinds, none of them a lock: a stream, a cell that is set once, a watch channel, a
//! `static mut`, each with a race; and a worker fed by messages without replies, which has none.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use rocket::response::stream::TextStream;
use rocket::tokio::sync::{mpsc, watch};
use rocket::tokio::{spawn, task::yield_now};
use rocket::{get, launch, post, routes, State};

struct Desk {
    next: AtomicU64,
    first: OnceLock<String>,
    level: watch::Sender<u64>,
    sum: Arc<AtomicU64>,
    work: mpsc::UnboundedSender<u64>,
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
    };
    rocket::build()
        .manage(desk)
        .mount("/", routes![ticket, first, level, hit, add, total])
}
