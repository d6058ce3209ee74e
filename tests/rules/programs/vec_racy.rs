use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    next: AtomicU64,
}
#[post("/n")]
fn act(app: &State<App>) -> String {
    let mut given = Vec::new();
    app.next
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
            given.push(n);
            Some(n + 1)
        })
        .unwrap();
    format!("{given:?}")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
