use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

struct Spin {
    locked: AtomicBool,
    value: UnsafeCell<u64>,
}
unsafe impl Sync for Spin {}
impl Spin {
    fn bump(&self) -> u64 {
        while self.locked.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        let n = unsafe {
            *self.value.get() += 1;
            *self.value.get()
        };
        self.locked.store(false, Ordering::Release);
        n
    }
}
struct App {
    spin: Spin,
}
impl Default for App {
    fn default() -> Self {
        App {
            spin: Spin {
                locked: AtomicBool::new(false),
                value: UnsafeCell::new(0),
            },
        }
    }
}
#[get("/")]
fn act(app: &State<App>) -> String {
    app.spin.bump().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
