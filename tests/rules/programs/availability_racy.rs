use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct Item {
    stock: u32,
}
#[derive(Default)]
struct App {
    items: RwLock<Vec<Item>>,
}
fn available(app: &App, i: usize) -> bool {
    app.items
        .read()
        .unwrap()
        .get(i)
        .is_some_and(|x| x.stock > 0)
}
#[post("/buy/<i>")]
fn act(i: usize, app: &State<App>) -> Status {
    if available(app, i) {
        app.items.write().unwrap()[i].stock -= 1;
        Status::Ok
    } else {
        Status::Gone
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
