use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    flag: AtomicBool,
    jobs: rocket::tokio::sync::Mutex<VecDeque<String>>,
}
#[post("/pause/<on>")]
fn pause(on: bool, app: &State<App>) {
    app.flag.store(on, Ordering::Release);
}
#[post("/j/<j>")]
async fn act(j: String, app: &State<App>) -> Status {
    if app.flag.load(Ordering::Acquire) {
        return Status::ServiceUnavailable;
    }
    app.jobs.lock().await.push_back(j);
    Status::Accepted
}
#[get("/j")]
async fn next(app: &State<App>) -> Option<String> {
    app.jobs.lock().await.pop_front()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, next, pause])
}
