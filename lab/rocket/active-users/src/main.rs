//! How many users are active right now?
//!
//! The count lives behind a `Mutex`, so no change is ever lost. Yet each handler
//! takes the lock twice: once to change the count, and once more to tell the
//! visitor what it became. Between the two the lock is free, and somebody else's
//! request may run there. Two visitors arrive at an empty site:
//!
//! ```text
//! first                  second                 count
//! add one                                       1
//!                        add one                2
//! read again: "2"                               2
//!                        read again: "2"        2
//! ```
//!
//! One after the other they would have been told 1 and 2. Both were told 2.

use std::sync::Mutex;

use rocket::{get, launch, routes, State};

#[derive(Default)]
struct ActiveUsers {
    count: Mutex<u32>,
}

#[get("/increment")]
async fn increment(users: &State<ActiveUsers>) -> String {
    let mut count = users.count.lock().unwrap();
    *count += 1;
    drop(count);

    format!("One more: {} active now", *users.count.lock().unwrap())
}

#[get("/decrement")]
async fn decrement(users: &State<ActiveUsers>) -> String {
    let mut count = users.count.lock().unwrap();
    *count = count.saturating_sub(1);
    drop(count);

    format!("One fewer: {} active now", *users.count.lock().unwrap())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(ActiveUsers::default())
        .mount("/", routes![increment, decrement])
}
