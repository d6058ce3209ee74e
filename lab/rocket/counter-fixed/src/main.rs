//! A hit counter without any lock.
//!
//! The twin of `counter`. There, "add one" is a load and then a store, and a hit
//! that falls between the two is lost. Here it is one step of the processor, and
//! that step also says what the number was, so nothing needs to be read again:
//!
//! ```text
//! first                  second                 value
//! add 1 to 0, say "1"                           1
//!                        add 1 to 1, say "2"    2
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use rocket::{get, launch, routes, State};

#[derive(Default)]
struct Counter {
    value: AtomicU64,
}

#[get("/increment")]
fn increment(counter: &State<Counter>) -> String {
    let value = counter.value.fetch_add(1, Ordering::SeqCst) + 1;
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
