use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::{Mutex, RwLock};

#[derive(Default)]
struct App {
    done: RwLock<HashMap<String, u64>>,
    balance: Mutex<u64>,
}

#[post("/pay/<key>/<amount>")]
fn act(key: String, amount: u64, app: &State<App>) -> Result<String, Status> {
    let mut done = app.done.write().unwrap();
    if let Some(receipt) = done.get(&key) {
        return Ok(receipt.to_string());
    }
    let receipt = {
        let mut balance = app.balance.lock().unwrap();
        *balance = balance.checked_sub(amount).ok_or(Status::PaymentRequired)?;
        *balance
    };
    done.insert(key, receipt);
    Ok(receipt.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
