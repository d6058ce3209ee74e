use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    count: RwLock<u32>,
}
#[get("/")]
fn act(app: &State<App>) -> String {
    let mut n = *app.count.read().unwrap();
    n += 1;
    let mut w = app.count.write().unwrap();
    *w = n;
    format!("{n}")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
