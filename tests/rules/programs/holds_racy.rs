use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    holds: Mutex<HashMap<u32, String>>,
}
#[post("/h/<s>/<u>")]
fn act(s: u32, u: String, app: &State<App>) -> Status {
    let free = !app.holds.lock().unwrap().contains_key(&s);
    if free {
        app.holds.lock().unwrap().insert(s, u);
        Status::Ok
    } else {
        Status::Conflict
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
