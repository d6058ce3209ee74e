use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    stock: dashmap::DashMap<u32, u32>,
}
#[post("/b/<i>/<n>")]
fn act(i: u32, n: u32, app: &State<App>) -> Status {
    let left = match app.stock.get(&i) {
        Some(r) => *r.value(),
        None => return Status::NotFound,
    };
    if left < n {
        return Status::Conflict;
    }
    app.stock.insert(i, left - n);
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
