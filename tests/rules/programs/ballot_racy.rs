use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    votes: Mutex<HashMap<String, String>>,
    tally: Mutex<HashMap<String, u32>>,
}
#[post("/v/<u>/<c>")]
fn act(u: String, c: String, app: &State<App>) -> Result<(), &'static str> {
    if app.votes.lock().unwrap().get(&u).is_some() {
        return Err("voted");
    }
    *app.tally.lock().unwrap().entry(c.clone()).or_insert(0) += 1;
    app.votes.lock().unwrap().insert(u, c);
    Ok(())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
