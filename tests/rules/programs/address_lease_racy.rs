use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    pool: Mutex<Vec<String>>,
}
#[post("/lease")]
fn act(app: &State<App>) -> Option<String> {
    let n = app.pool.lock().unwrap().len();
    if n == 0 {
        return None;
    }
    let ip = app.pool.lock().unwrap().pop().unwrap();
    Some(ip)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
