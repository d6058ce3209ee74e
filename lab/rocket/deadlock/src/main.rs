//! A small bank that stops answering, in two ways.
//!
//! Two orders. Each transfer needs both accounts and locks the one it takes from
//! first. That is fine until a transfer each way meets in the middle, each holding
//! what the other needs:
//!
//! ```text
//! POST /to-savings             POST /to-checking
//! lock checking
//!                              lock savings
//! lock savings: waits
//!                              lock checking: waits, for ever
//! ```
//!
//! Twice the same. `GET /summary` looks at the latest entry of the ledger right in
//! the head of a `match`. The guard made there is never named, but it lives until
//! the `match` ends, and the helper called inside asks for the same lock: the
//! request waits for itself. It takes no second visitor for that.

use std::sync::Mutex;

use rocket::http::Status;
use rocket::{get, launch, post, routes, State};

const TRANSFER: i64 = 10;
const FEE: i64 = 3;

struct Accounts {
    checking: Mutex<i64>,
    savings: Mutex<i64>,
}

#[derive(Debug, Clone)]
struct Entry {
    title: String,
    amount: i64,
}

struct Ledger {
    entries: Mutex<Vec<Entry>>,
}

#[post("/to-savings")]
fn to_savings(accounts: &State<Accounts>) -> (Status, String) {
    let mut checking = accounts.checking.lock().unwrap();
    let mut savings = accounts.savings.lock().unwrap();
    transfer(&mut checking, &mut savings, "Checking", "savings")
}

#[post("/to-checking")]
fn to_checking(accounts: &State<Accounts>) -> (Status, String) {
    let mut savings = accounts.savings.lock().unwrap();
    let mut checking = accounts.checking.lock().unwrap();
    transfer(&mut savings, &mut checking, "Savings", "checking")
}

fn transfer(from: &mut i64, to: &mut i64, source: &str, target: &str) -> (Status, String) {
    if *from < TRANSFER {
        return (Status::Conflict, format!("{source} has only {from}"));
    }
    *from -= TRANSFER;
    *to += TRANSFER;
    (Status::Ok, format!("{source} {from}, {target} {to}"))
}

#[post("/fee")]
fn fee(ledger: &State<Ledger>) -> String {
    let mut entries = ledger.entries.lock().unwrap();
    entries.push(Entry {
        title: "Monthly fee".to_string(),
        amount: -FEE,
    });
    format!("Entry {}", entries.len())
}

#[get("/summary")]
fn summary(ledger: &State<Ledger>) -> String {
    match ledger.entries.lock().unwrap().last() {
        Some(latest) => summarise(ledger, latest),
        None => "Nothing yet".to_string(),
    }
}

fn summarise(ledger: &Ledger, latest: &Entry) -> String {
    let entries = ledger.entries.lock().unwrap();
    let total: i64 = entries.iter().map(|entry| entry.amount).sum();
    format!(
        "{} ({}) is entry {}, the total is {total}",
        latest.title,
        latest.amount,
        entries.len()
    )
}

#[launch]
fn rocket() -> _ {
    let opening = Entry {
        title: "Opening bonus".to_string(),
        amount: 25,
    };
    rocket::build()
        .manage(Accounts {
            checking: Mutex::new(100),
            savings: Mutex::new(100),
        })
        .manage(Ledger {
            entries: Mutex::new(vec![opening]),
        })
        .mount("/", routes![to_savings, to_checking, fee, summary])
}
