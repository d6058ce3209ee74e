use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct Account {
    balance: i64,
    history: Vec<i64>,
}
#[derive(Default)]
struct App {
    accounts: Mutex<HashMap<u32, Account>>,
}
#[post("/t/<a>/<b>/<n>")]
fn act(a: u32, b: u32, n: i64, app: &State<App>) -> Result<(), Status> {
    let mut accounts = app
        .accounts
        .lock()
        .map_err(|_| Status::InternalServerError)?;
    let from = accounts.get_mut(&a).ok_or(Status::NotFound)?;
    if from.balance < n {
        return Err(Status::Conflict);
    }
    from.balance -= n;
    from.history.push(-n);
    let to = accounts.entry(b).or_default();
    to.balance += n;
    to.history.push(n);
    Ok(())
}
#[get("/b/<a>")]
fn bal(a: u32, app: &State<App>) -> Option<String> {
    Some(app.accounts.lock().ok()?.get(&a)?.balance.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, bal])
}
