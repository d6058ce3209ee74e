//! Logging in with a PIN, and three wrong ones lock the user out.
//!
//! A PIN has four digits, so somebody who may try three of 10,000 gets nowhere.
//! `POST /login/<user>` looks how often this user's PIN was wrong, compares the
//! hashes, which takes a while on purpose, and counts the PIN if it was wrong. All
//! that come while the hashes are compared see the count as it was before. With two
//! wrong PINs behind us, one try is left, and two are had at once:
//!
//! ```text
//! first                  second                 wrong so far
//! fewer than 3?  yes                            2
//!                        fewer than 3?  yes     2
//! compare …              compare …              2
//! count, "wrong PIN"                            3
//!                        count, "wrong PIN"     4
//! ```
//!
//! Two hundred at once are two hundred tries, and fifty times that is every PIN
//! there is. No count is lost here: each is made under the lock. They come too late.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use rocket::http::Status;
use rocket::tokio::time::sleep;
use rocket::{get, launch, post, routes, State};

const TRIES: u32 = 3;

struct Users {
    pins: HashMap<&'static str, &'static str>,
}

#[derive(Default)]
struct Attempts {
    wrong: Mutex<HashMap<String, u32>>,
}

/// Stands for a password hash, which is slow so that guessing is.
async fn matches(pin: &str, expected: &str) -> bool {
    sleep(Duration::from_millis(1)).await;
    pin == expected
}

#[post("/login/<user>", data = "<pin>")]
async fn login(
    user: &str,
    pin: String,
    users: &State<Users>,
    attempts: &State<Attempts>,
) -> (Status, &'static str) {
    let Some(expected) = users.pins.get(user) else {
        return (Status::NotFound, "no such user");
    };
    let wrong = attempts.wrong.lock().unwrap().get(user).copied();
    if wrong.unwrap_or(0) >= TRIES {
        return (Status::TooManyRequests, "locked");
    }

    if matches(&pin, expected).await {
        attempts.wrong.lock().unwrap().remove(user);
        return (Status::Ok, "welcome");
    }

    *attempts
        .wrong
        .lock()
        .unwrap()
        .entry(user.to_string())
        .or_insert(0) += 1;
    (Status::Unauthorized, "wrong PIN")
}

#[get("/attempts/<user>")]
fn wrong_attempts(user: &str, attempts: &State<Attempts>) -> String {
    let wrong = attempts.wrong.lock().unwrap().get(user).copied();
    wrong.unwrap_or(0).to_string()
}

/// What the help desk does, once it knows who is calling.
#[post("/unlock/<user>")]
fn unlock(user: &str, attempts: &State<Attempts>) -> &'static str {
    attempts.wrong.lock().unwrap().remove(user);
    "unlocked"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Users {
            pins: HashMap::from([("ada", "4711"), ("bob", "0815")]),
        })
        .manage(Attempts::default())
        .mount("/", routes![login, wrong_attempts, unlock])
}
