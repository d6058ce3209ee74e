use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

thread_local! { static SEEN: RefCell<HashSet<String>> = RefCell::new(HashSet::new()); }
#[derive(Default)]
struct App;
#[post("/once/<k>")]
fn act(k: String) -> Status {
    SEEN.with(|s| {
        if s.borrow_mut().insert(k) {
            Status::Ok
        } else {
            Status::Conflict
        }
    })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
