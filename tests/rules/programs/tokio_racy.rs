use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

use rocket::tokio::sync::OnceCell;
static TOKEN: OnceCell<String> = OnceCell::const_new();
#[derive(Default)]
struct App;
async fn fetch() -> String {
    rocket::tokio::task::yield_now().await;
    String::from("x")
}
#[get("/t")]
async fn act() -> String {
    match TOKEN.get() {
        Some(t) => t.clone(),
        None => {
            let t = fetch().await;
            let _ = TOKEN.set(t.clone());
            t
        }
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
