use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

use arc_swap::ArcSwapOption;
#[derive(Default)]
struct App {
    users: ArcSwapOption<Vec<String>>,
}
#[post("/u/<n>")]
fn act(n: String, app: &State<App>) {
    let mut list = app
        .users
        .load_full()
        .map(|l| (*l).clone())
        .unwrap_or_default();
    list.push(n);
    app.users.store(Some(Arc::new(list)));
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
