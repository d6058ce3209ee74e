use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct Acc {
    balance: u64,
    locked: bool,
}
#[derive(Default)]
struct App {
    accs: HashMap<u32, Mutex<Acc>>,
}
#[post("/pay/<a>/<b>/<n>")]
fn act(a: u32, b: u32, n: u64, app: &State<App>) -> Option<Status> {
    let from = app.accs.get(&a)?;
    let to = app.accs.get(&b)?;
    if from.lock().unwrap().balance < n {
        return Some(Status::Conflict);
    }
    from.lock().unwrap().balance -= n;
    to.lock().unwrap().balance += n;
    Some(Status::Ok)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
