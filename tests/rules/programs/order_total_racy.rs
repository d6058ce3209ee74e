use rocket::serde::json::{json, Json, Value};
use rocket::{get, launch, post, routes, State};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Ledger {
    orders: Mutex<Vec<u64>>,
    revenue: Mutex<u64>,
}

type Shared = Arc<Ledger>;

#[post("/orders", data = "<cents>")]
fn order(cents: Json<u64>, ledger: &State<Shared>) {
    ledger.orders.lock().unwrap().push(*cents);
    *ledger.revenue.lock().unwrap() += *cents;
}

#[get("/report")]
fn report(ledger: &State<Shared>) -> Value {
    let orders = ledger.orders.lock().unwrap();
    let revenue = ledger.revenue.lock().unwrap();
    json!({ "orders": orders.len(), "revenue": *revenue })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Shared::default())
        .mount("/", routes![order, report])
}
