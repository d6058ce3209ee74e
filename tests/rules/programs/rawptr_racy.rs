use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

struct Counter {
    value: UnsafeCell<u64>,
}
unsafe impl Send for Counter {}
unsafe impl Sync for Counter {}
impl Counter {
    fn bump(&self) -> u64 {
        let p = self.value.get();
        unsafe {
            *p += 1;
            *p
        }
    }
}
struct App {
    counter: Arc<Counter>,
}
impl Default for App {
    fn default() -> Self {
        App {
            counter: Arc::new(Counter {
                value: UnsafeCell::new(0),
            }),
        }
    }
}
#[get("/")]
fn act(app: &State<App>) -> String {
    app.counter.bump().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
