//! Logging in with a PIN, and three wrong ones lock the user out.
//!
//! The twin of `rate-limit`. There, a wrong PIN is counted once it is known to be
//! wrong, and all that are being compared meanwhile are free. Here a try is counted
//! before anything is compared, in the same step in which there was found to be one
//! left, and given back when the PIN was right:
//!
//! ```text
//! first                  second                 wrong so far
//! fewer than 3?  count                          3
//!                        fewer than 3?  no      3
//! compare …              "locked"               3
//! "wrong PIN"                                   3
//! ```

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
    // Count first, compare afterwards. Who logs in correctly has the count cleared,
    // this try and all before it.
    {
        let mut attempts = attempts.wrong.lock().unwrap();
        let wrong = attempts.entry(user.to_string()).or_insert(0);
        if *wrong >= TRIES {
            return (Status::TooManyRequests, "locked");
        }
        *wrong += 1;
    }

    if matches(&pin, expected).await {
        attempts.wrong.lock().unwrap().remove(user);
        return (Status::Ok, "welcome");
    }

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
