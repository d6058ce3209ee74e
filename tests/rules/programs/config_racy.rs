use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Default)]
struct App {
    host: RwLock<String>,
    port: RwLock<u16>,
}
impl App {
    fn set_host(&self, h: String) {
        *self.host.write().unwrap() = h;
    }
    fn set_port(&self, p: u16) {
        *self.port.write().unwrap() = p;
    }
    fn address(&self) -> String {
        format!(
            "{}:{}",
            self.host.read().unwrap(),
            self.port.read().unwrap()
        )
    }
}
#[put("/a/<h>/<p>")]
fn act(h: String, p: u16, app: &State<App>) {
    app.set_host(h);
    app.set_port(p);
}
#[get("/a")]
fn addr(app: &State<App>) -> String {
    app.address()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, addr])
}
