use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    rooms: dashmap::DashMap<String, Vec<String>>,
}
#[post("/r/<r>/<m>")]
fn act(r: String, m: String, app: &State<App>) -> String {
    let mut room = app.rooms.entry(r).or_default();
    room.push(m);
    room.len().to_string()
}
#[get("/r/<r>")]
fn show(r: &str, app: &State<App>) -> Option<String> {
    app.rooms.get(r).map(|room| room.join(", "))
}
#[delete("/r/<r>")]
fn del(r: &str, app: &State<App>) -> Status {
    if app.rooms.remove(r).is_some() {
        Status::Ok
    } else {
        Status::NotFound
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, show, del])
}
