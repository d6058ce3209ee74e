//! A collection that tells the giver, event by event, what becomes of the gift.
//!
//! `POST /give/<amount>` answers with server-sent events. Its handler returns at once;
//! what stands between the braces runs afterwards, while the answer is sent, and stops
//! at each `yield` until the event is on its way. The sum is read before the first
//! event and written behind it:
//!
//! ```text
//! first                  second                 raised
//! read: 0                                       0
//! yield "thank you"                             0
//!                        read: 0                0
//!                        yield "thank you"      0
//! write 10                                      10
//!                        write 10               10
//! ```
//!
//! Twenty given, ten raised.

use std::sync::Mutex;

use rocket::response::stream::{Event, EventStream};
use rocket::{get, launch, post, routes, State};

#[derive(Default)]
struct Fund {
    raised: Mutex<u64>,
}

#[post("/give/<amount>")]
fn give(amount: u64, fund: &State<Fund>) -> EventStream![Event + '_] {
    EventStream! {
        let before = *fund.raised.lock().unwrap();
        yield Event::data("thank you");
        *fund.raised.lock().unwrap() = before + amount;
        yield Event::data("counted");
    }
}

#[get("/raised")]
fn raised(fund: &State<Fund>) -> String {
    fund.raised.lock().unwrap().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Fund::default())
        .mount("/", routes![give, raised])
}
