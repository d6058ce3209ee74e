use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    a: AtomicU64,
    b: AtomicU64,
}
#[post("/m/<n>")]
fn act(n: u64, app: &State<App>) -> String {
    let a = app.a.load(Ordering::Relaxed);
    app.a.store(a - n, Ordering::Relaxed);
    app.b.fetch_add(n, Ordering::Relaxed);
    a.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
