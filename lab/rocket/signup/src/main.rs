//! Signing up: the name one chooses must still be free.
//!
//! `POST /signup/<name>` looks for the name among the accounts, hashes the password,
//! which takes a while on purpose, and adds the account. A list has no objection to
//! the same name twice, so the look is all there is against it. A double click on
//! "Sign up", or two people of one taste:
//!
//! ```text
//! first                    second                   accounts
//! is "ada" free?  yes
//!                          is "ada" free?  yes
//! hash …                   hash …
//! add, "account 1"                                  1 ada
//!                          add, "account 2"         1 ada, 2 ada
//! ```
//!
//! From now on whoever looks for "ada" finds the first account, and the second one
//! belongs to nobody who could tell.

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
    let taken = accounts
        .all
        .lock()
        .unwrap()
        .iter()
        .any(|account| account.name == name);
    if taken {
        return (Status::Conflict, format!("{name} is taken"));
    }

    let password = hash(&password).await;

    let mut all = accounts.all.lock().unwrap();
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
