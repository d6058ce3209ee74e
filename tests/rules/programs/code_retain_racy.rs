use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    codes: Mutex<Vec<String>>,
}
#[post("/code/<c>")]
async fn act(c: String, app: &State<App>) -> Status {
    let valid = app.codes.lock().unwrap().iter().any(|x| *x == c);
    if !valid {
        return Status::NotFound;
    }
    rocket::tokio::task::yield_now().await;
    app.codes.lock().unwrap().retain(|x| *x != c);
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
