//! An auction that calls each bid out before it counts.
//!
//! `POST /bid/<amount>` looks up the highest bid, calls its own out to everybody who
//! listens, itself included, and waits until it is heard or the auction closes. Then it
//! writes the new highest bid. Who bids less may be late with it:
//!
//! ```text
//! bids 20                bids 30                highest
//! highest: 0                                    0
//! calls 20, hears it     highest: 0             0
//!                        calls 30, hears it     0
//!                        write 30               30
//! write 20                                      20
//! ```
//!
//! Both lead, and 20 wins.

use std::sync::Mutex;

use rocket::tokio::select;
use rocket::tokio::sync::{broadcast, Notify};
use rocket::{get, launch, post, routes, State};

struct Auction {
    highest: Mutex<u64>,
    called: broadcast::Sender<u64>,
    closed: Notify,
}

impl Auction {
    fn open() -> Self {
        Auction {
            highest: Mutex::new(0),
            called: broadcast::Sender::new(16),
            closed: Notify::new(),
        }
    }
}

#[post("/bid/<amount>")]
async fn bid(amount: u64, auction: &State<Auction>) -> &'static str {
    if amount <= *auction.highest.lock().unwrap() {
        return "too low";
    }
    let mut heard = auction.called.subscribe();
    let _ = auction.called.send(amount);
    select! {
        _ = heard.recv() => {}
        _ = auction.closed.notified() => return "closed",
    }
    *auction.highest.lock().unwrap() = amount;
    "you lead"
}

#[post("/close")]
fn close(auction: &State<Auction>) {
    auction.closed.notify_waiters();
}

#[get("/highest")]
fn highest(auction: &State<Auction>) -> String {
    auction.highest.lock().unwrap().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Auction::open())
        .mount("/", routes![bid, close, highest])
}
