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
    TOKEN.get_or_init(fetch).await.clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
