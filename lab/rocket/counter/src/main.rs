//! A hit counter without any lock.
//!
//! Rust refuses to share a plain `u64` between requests, so the number is atomic:
//! nobody ever sees half of it. But "add one" is done in two steps, a load and a
//! store, and each of them being atomic does not make the pair so:
//!
//! ```text
//! first                  second                 value
//! load: 0                                       0
//!                        load: 0                0
//! store 1, say "1"                              1
//!                        store 1, say "1"       1
//! ```
//!
//! Two hits, one counted. The gap is a few nanoseconds wide, so a load test will
//! hardly ever show it.

use std::sync::atomic::{AtomicU64, Ordering};

use rocket::{get, launch, routes, State};

#[derive(Default)]
struct Counter {
    value: AtomicU64,
}

#[get("/increment")]
fn increment(counter: &State<Counter>) -> String {
    let value = counter.value.load(Ordering::SeqCst) + 1;
    counter.value.store(value, Ordering::SeqCst);
    value.to_string()
}

#[get("/count")]
fn count(counter: &State<Counter>) -> String {
    counter.value.load(Ordering::SeqCst).to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Counter::default())
        .mount("/", routes![increment, count])
}
