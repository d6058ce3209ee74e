use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    users: RwLock<HashMap<String, u64>>,
    log: Mutex<Vec<String>>,
}
#[get("/u/<n>")]
fn act(n: String, app: &State<App>) -> Option<String> {
    let id = *app.users.read().unwrap().get(&n)?;
    app.log.lock().unwrap().push(format!("looked up {n}"));
    Some(id.to_string())
}
#[delete("/u/<n>")]
fn del(n: String, app: &State<App>) -> Status {
    match app.users.write().unwrap().remove(&n) {
        Some(_) => {
            app.log.lock().unwrap().push(format!("deleted {n}"));
            Status::Ok
        }
        None => Status::NotFound,
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, del])
}
