//! A small bank that keeps answering.
//!
//! The twin of `deadlock`, where two transfers that meet each hold what the other
//! needs, and where the summary waits for a lock that it holds itself.
//!
//! One order. Both transfers lock checking first and savings second, whichever way
//! the money goes. Who comes second waits at the first lock, holding nothing:
//!
//! ```text
//! POST /to-savings             POST /to-checking
//! lock checking
//!                              lock checking: waits
//! lock savings, transfer
//! release both
//!                              lock savings, transfer
//! ```
//!
//! Once only. `GET /summary` copies the entries out of the guard in a statement of
//! its own, where the guard ends, and hands the copy to the helper. The helper
//! locks nothing, so its total and the latest entry are of the same moment.

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
    let mut checking = accounts.checking.lock().unwrap();
    let mut savings = accounts.savings.lock().unwrap();
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
    let entries = ledger.entries.lock().unwrap().clone();
    match entries.last() {
        Some(latest) => summarise(&entries, latest),
        None => "Nothing yet".to_string(),
    }
}

fn summarise(entries: &[Entry], latest: &Entry) -> String {
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
