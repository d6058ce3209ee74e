//! A till that adds up before it answers.
//!
//! The twin of `receipt`. There, a task reads the day's total, prints, and puts the
//! new total down, and nobody waits for it. Here the task prints only. The request
//! adds up under one guard and waits for the printer before it says "sold":
//!
//! ```text
//! first                  second                 total
//! add 10                                        10
//!                        add 10                 20
//! print …                print …                20
//! "sold"                 "sold"                 20
//! ```

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rocket::tokio::{spawn, time::sleep};
use rocket::{get, launch, post, routes, State};

#[derive(Default)]
struct Till {
    total: Arc<Mutex<u64>>,
}

/// Stands for a printer.
async fn print_receipt(_amount: u64) {
    sleep(Duration::from_millis(1)).await;
}

#[post("/sale/<amount>")]
async fn sale(amount: u64, till: &State<Till>) -> &'static str {
    let total = till.total.clone();
    let printed = spawn(async move {
        *total.lock().unwrap() += amount;
        print_receipt(amount).await;
    });
    match printed.await {
        Ok(()) => "sold",
        Err(_) => "not sold",
    }
}

#[get("/total")]
fn total(till: &State<Till>) -> String {
    till.total.lock().unwrap().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Till::default())
        .mount("/", routes![sale, total])
}
