use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    seen: Mutex<HashMap<String, std::time::Instant>>,
}
#[post("/mail/<to>")]
async fn act(to: String, app: &State<App>) -> Status {
    let recent = app
        .seen
        .lock()
        .unwrap()
        .get(&to)
        .map(|t| t.elapsed().as_secs() < 60)
        .unwrap_or(false);
    if recent {
        return Status::TooManyRequests;
    }
    rocket::tokio::task::yield_now().await;
    app.seen
        .lock()
        .unwrap()
        .insert(to, std::time::Instant::now());
    Status::Accepted
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
