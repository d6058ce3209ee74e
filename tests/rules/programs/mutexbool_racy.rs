use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    claimed: Mutex<bool>,
    owner: Mutex<Option<String>>,
}
#[post("/claim/<u>")]
fn act(u: String, app: &State<App>) -> Status {
    let claimed = *app.claimed.lock().unwrap();
    if claimed {
        return Status::Conflict;
    }
    *app.claimed.lock().unwrap() = true;
    app.owner.lock().unwrap().replace(u);
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
