use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    seq: AtomicU64,
    items: RwLock<BTreeMap<u64, String>>,
}
#[post("/i", data = "<t>")]
fn act(t: String, app: &State<App>) -> Json<u64> {
    let id = app.seq.fetch_add(1, Ordering::SeqCst);
    app.items.write().unwrap().insert(id, t);
    Json(id)
}
#[get("/i")]
fn list(app: &State<App>) -> Value {
    let items = app.items.read().unwrap();
    json!({ "count": items.len(), "items": items.values().collect::<Vec<_>>(), "next": app.seq.load(Ordering::SeqCst) })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, list])
}
