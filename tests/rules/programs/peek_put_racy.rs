use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    state: Arc<Mutex<Inner>>,
}
#[derive(Default)]
struct Inner {
    next: u64,
    names: HashMap<u64, String>,
}
impl App {
    fn peek(&self) -> u64 {
        self.state.lock().unwrap().next
    }
    fn put(&self, id: u64, n: String) {
        let mut s = self.state.lock().unwrap();
        s.names.insert(id, n);
        s.next = id + 1;
    }
}
#[post("/n/<n>")]
fn act(n: String, app: &State<App>) -> String {
    let id = app.peek();
    app.put(id, n);
    id.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
