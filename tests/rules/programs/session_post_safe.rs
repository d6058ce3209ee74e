use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    sessions: RwLock<HashMap<String, String>>,
    posts: Mutex<Vec<(String, String)>>,
}
fn who(app: &App, token: &str) -> Result<String, Status> {
    app.sessions
        .read()
        .unwrap()
        .get(token)
        .cloned()
        .ok_or(Status::Unauthorized)
}
#[post("/login/<u>")]
fn login(u: String, app: &State<App>) -> String {
    let t = format!("{:x}", rand::random::<u64>());
    app.sessions.write().unwrap().insert(t.clone(), u);
    t
}
#[post("/logout/<t>")]
fn logout(t: String, app: &State<App>) {
    app.sessions.write().unwrap().remove(&t);
}
#[post("/post/<t>/<text>")]
fn act(t: String, text: String, app: &State<App>) -> Result<Status, Status> {
    let user = who(app, &t)?;
    app.posts.lock().unwrap().push((user, text));
    Ok(Status::Created)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, login, logout])
}
