use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    roles: RwLock<HashMap<String, String>>,
    vault: Mutex<HashMap<String, String>>,
}
#[delete("/v/<u>/<k>")]
fn act(u: &str, k: &str, app: &State<App>) -> Status {
    let roles = app.roles.read().unwrap();
    if roles.get(u).map(|r| r != "admin").unwrap_or(true) {
        return Status::Forbidden;
    }
    app.vault.lock().unwrap().remove(k);
    Status::Ok
}
#[delete("/r/<u>")]
fn fire(u: &str, app: &State<App>) {
    app.roles.write().unwrap().remove(u);
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, fire])
}
