//! An auction in which a bid counts, and then is called out.
//!
//! The twin of `auction`. There, the highest bid is looked up before the new one is called
//! out and written behind it. Here one guard covers both, and it is gone before anybody
//! waits:
//!
//! ```text
//! bids 20                bids 30                highest
//! highest: 0, write 20                          20
//! calls 20               highest: 20, write 30  30
//! hears it               calls 30, hears it     30
//! ```

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

    fn count(&self, amount: u64) -> bool {
        let mut highest = self.highest.lock().unwrap();
        let leads = amount > *highest;
        if leads {
            *highest = amount;
        }
        leads
    }
}

#[post("/bid/<amount>")]
async fn bid(amount: u64, auction: &State<Auction>) -> &'static str {
    if !auction.count(amount) {
        return "too low";
    }
    let mut heard = auction.called.subscribe();
    let _ = auction.called.send(amount);
    select! {
        _ = heard.recv() => {}
        _ = auction.closed.notified() => return "closed",
    }
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
