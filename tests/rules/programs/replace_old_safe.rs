use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Clone, Default)]
struct Cfg {
    name: String,
    n: u32,
}
#[derive(Default)]
struct App {
    cfg: RwLock<Cfg>,
}
#[put("/cfg", data = "<n>")]
fn act(n: Json<u32>, app: &State<App>) -> Json<u32> {
    let old = {
        let mut cfg = app.cfg.write().unwrap();
        std::mem::replace(&mut cfg.n, *n)
    };
    Json(old)
}
#[get("/cfg")]
fn get_cfg(app: &State<App>) -> String {
    let cfg = app.cfg.read().unwrap().clone();
    format!("{} {}", cfg.name, cfg.n)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, get_cfg])
}
