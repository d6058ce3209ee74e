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
    let Some(mut left) = app.stock.get_mut(&i) else {
        return Status::NotFound;
    };
    if *left < n {
        return Status::Conflict;
    }
    *left -= n;
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
