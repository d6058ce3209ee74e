//! A till that answers before it has added up.
//!
//! `POST /sale/<amount>` starts a task that prints the receipt and adds the sale to
//! the day's total, and answers without waiting for it. The task reads the total,
//! prints, which takes a while, and puts the new total down. The request is over by
//! then, and its tasks meet all the same:
//!
//! ```text
//! first's task           second's task          total
//! read: 0                                       0
//!                        read: 0                0
//! print …                print …                0
//! put down 10                                   10
//!                        put down 10            10
//! ```
//!
//! Twenty taken, ten in the books, and both customers have long been told "sold".

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
    spawn(async move {
        let before = *total.lock().unwrap();
        print_receipt(amount).await;
        *total.lock().unwrap() = before + amount;
    });
    "sold"
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
