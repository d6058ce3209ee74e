use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    queue: Mutex<VecDeque<u32>>,
}
#[post("/q/<n>")]
fn act(n: u32, app: &State<App>) -> Value {
    {
        app.queue.lock().unwrap().push_back(n);
    }
    let position = {
        let q = app.queue.lock().unwrap();
        q.len()
    };
    json!({ "position": position })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
