use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

thread_local! { static RNG: RefCell<u64> = const { RefCell::new(7) }; static BUF: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(64)); }
#[derive(Default)]
struct App;
#[get("/b/<t>")]
fn act(t: &str) -> String {
    BUF.with_borrow_mut(|b| {
        b.clear();
        b.extend_from_slice(t.as_bytes());
        b.iter().map(|x| format!("{x:02x}")).collect()
    })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
