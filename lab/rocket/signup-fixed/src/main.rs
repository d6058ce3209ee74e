//! Signing up: the name one chooses must still be free.
//!
//! The twin of `signup`. There, a password is hashed between the look for the name
//! and the new account, and the name may be given away meanwhile. Here the slow part
//! comes first, and the look and the new account are one step under one guard:
//!
//! ```text
//! first                    second                   accounts
//! hash …                   hash …
//! "ada" free?  yes, add                             1 ada
//!                          "ada" free?  no, "taken" 1 ada
//! ```
//!
//! (Who wants to save the work for a name that is taken may look before the hash as
//! well, as long as the look that counts is the second one.)

use std::sync::Mutex;
use std::time::Duration;

use rocket::http::Status;
use rocket::tokio::time::sleep;
use rocket::{get, launch, post, routes, State};

struct Account {
    id: usize,
    name: String,
    password: String,
}

#[derive(Default)]
struct Accounts {
    all: Mutex<Vec<Account>>,
}

/// Stands for a password hash, which is slow so that guessing is.
async fn hash(password: &str) -> String {
    sleep(Duration::from_millis(1)).await;
    format!("hash of {} letters", password.len())
}

#[post("/signup/<name>", data = "<password>")]
async fn signup(name: &str, password: String, accounts: &State<Accounts>) -> (Status, String) {
    let password = hash(&password).await;

    let mut all = accounts.all.lock().unwrap();
    if all.iter().any(|account| account.name == name) {
        return (Status::Conflict, format!("{name} is taken"));
    }
    let id = all.len() + 1;
    all.push(Account {
        id,
        name: name.to_string(),
        password,
    });
    (Status::Created, format!("{name} has account {id}"))
}

#[get("/accounts")]
fn list(accounts: &State<Accounts>) -> String {
    let all = accounts.all.lock().unwrap();
    let line =
        |account: &Account| format!("{} {} ({})\n", account.id, account.name, account.password);
    all.iter().map(line).collect()
}

/// Back to no account at all, for whoever tries this more than once.
#[post("/reset")]
fn reset(accounts: &State<Accounts>) -> &'static str {
    accounts.all.lock().unwrap().clear();
    "no accounts"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Accounts::default())
        .mount("/", routes![signup, list, reset])
}
