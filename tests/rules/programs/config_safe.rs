use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    addr: RwLock<(String, u16)>,
}
#[put("/a/<h>/<p>")]
fn act(h: String, p: u16, app: &State<App>) {
    let mut a = app.addr.write().unwrap();
    a.0 = h;
    a.1 = p;
}
#[get("/a")]
fn addr(app: &State<App>) -> String {
    let a = app.addr.read().unwrap();
    format!("{}:{}", a.0, a.1)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, addr])
}
