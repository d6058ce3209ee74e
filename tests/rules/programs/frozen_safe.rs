use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::{Mutex, RwLock};

struct Customer {
    frozen: bool,
}

#[derive(Default)]
struct App {
    customers: RwLock<HashMap<u64, Customer>>,
    balances: Mutex<HashMap<u64, i64>>,
}

#[post("/freeze/<id>")]
fn freeze(id: u64, app: &State<App>) {
    if let Some(customer) = app.customers.write().unwrap().get_mut(&id) {
        customer.frozen = true;
    }
}

#[post("/pay/<id>/<amount>")]
fn act(id: u64, amount: i64, app: &State<App>) -> Status {
    let customers = app.customers.read().unwrap();
    match customers.get(&id) {
        Some(customer) if !customer.frozen => {}
        _ => return Status::Forbidden,
    }
    let mut balances = app.balances.lock().unwrap();
    *balances.entry(id).or_insert(0) -= amount;
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, freeze])
}
