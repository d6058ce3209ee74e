//! A collection that counts the gift, and then tells.
//!
//! The twin of `stream`. There, the sum is read before an event is sent and written
//! behind it. Here one guard covers both, and it is gone before the first `yield`:
//!
//! ```text
//! first                  second                 raised
//! add 10                                        10
//! yield "thank you"                             10
//!                        add 10                 20
//!                        yield "thank you"      20
//! ```

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
        *fund.raised.lock().unwrap() += amount;
        yield Event::data("thank you");
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
