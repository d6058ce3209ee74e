use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

thread_local! { static REQUEST_ID: Cell<u64> = const { Cell::new(0) }; }
#[derive(Default)]
struct App {
    next: AtomicU64,
}
async fn work() -> u64 {
    rocket::tokio::task::yield_now().await;
    REQUEST_ID.get()
}
#[get("/w")]
async fn act(app: &State<App>) -> String {
    REQUEST_ID.set(app.next.fetch_add(1, Ordering::Relaxed));
    work().await.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
