use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    connections: AtomicUsize,
}
const MAX: usize = 8;
#[get("/c")]
async fn act(app: &State<App>) -> Result<String, Status> {
    let n = app.connections.load(Ordering::SeqCst);
    match n {
        0..=7 => {}
        _ => return Err(Status::ServiceUnavailable),
    }
    app.connections.fetch_add(1, Ordering::SeqCst);
    rocket::tokio::task::yield_now().await;
    app.connections.fetch_sub(1, Ordering::SeqCst);
    Ok(format!("{n} of {MAX}"))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
