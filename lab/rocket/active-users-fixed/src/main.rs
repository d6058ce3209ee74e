//! How many users are active right now?
//!
//! The twin of `active-users`. There, each handler takes the lock twice, and the
//! number it answers may already be somebody else's. Here the answer is made while
//! the lock that changed the count is still held:
//!
//! ```text
//! first                  second                 count
//! add one, say "1"                              1
//!                        add one, say "2"       2
//! ```

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

    format!("One more: {} active now", *count)
}

#[get("/decrement")]
async fn decrement(users: &State<ActiveUsers>) -> String {
    let mut count = users.count.lock().unwrap();
    *count = count.saturating_sub(1);

    format!("One fewer: {} active now", *count)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(ActiveUsers::default())
        .mount("/", routes![increment, decrement])
}
