use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

static mut CONFIG: Option<HashMap<String, String>> = None;
#[derive(Default)]
struct App;
#[put("/c/<k>/<v>")]
fn act(k: String, v: String) {
    unsafe {
        CONFIG.get_or_insert_with(HashMap::new).insert(k, v);
    }
}
#[get("/c/<k>")]
fn read(k: &str) -> Option<String> {
    unsafe { CONFIG.as_ref()?.get(k).cloned() }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, read])
}
