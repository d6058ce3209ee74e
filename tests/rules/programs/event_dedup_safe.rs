use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    seen: Mutex<HashSet<String>>,
    count: AtomicUsize,
}
#[post("/e/<id>")]
fn act(id: String, app: &State<App>) -> Status {
    if !app.seen.lock().unwrap().insert(id) {
        return Status::Conflict;
    }
    app.count.fetch_add(1, Ordering::Relaxed);
    Status::Accepted
}
#[get("/n")]
fn n(app: &State<App>) -> String {
    app.count.load(Ordering::Relaxed).to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, n])
}
