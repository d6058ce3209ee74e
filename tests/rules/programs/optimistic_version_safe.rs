use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    version: RwLock<(u64, String)>,
}
#[put("/doc/<v>", data = "<t>")]
fn act(v: u64, t: String, app: &State<App>) -> Result<Json<u64>, Status> {
    let current = app.version.read().unwrap().0;
    if current != v {
        return Err(Status::Conflict);
    }
    let mut doc = app.version.write().unwrap();
    if doc.0 != v {
        return Err(Status::Conflict);
    }
    doc.0 += 1;
    doc.1 = t;
    Ok(Json(doc.0))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
