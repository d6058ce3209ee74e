use rocket::http::Status;
use rocket::{delete, launch, post, routes, State};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, RwLock};

#[derive(Default)]
struct Team {
    admins: RwLock<HashSet<String>>,
    documents: Mutex<HashMap<u32, String>>,
}

#[post("/documents/<id>/<text>?<user>")]
fn publish(id: u32, text: String, user: &str, team: &State<Team>) -> Status {
    if !team.admins.read().unwrap().contains(user) {
        return Status::Forbidden;
    }
    team.documents.lock().unwrap().insert(id, text);
    Status::Created
}

#[delete("/admins/<user>")]
fn fire(user: &str, team: &State<Team>) -> Status {
    team.admins.write().unwrap().remove(user);
    team.documents
        .lock()
        .unwrap()
        .retain(|_, text| !text.starts_with(user));
    Status::NoContent
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Team::default())
        .mount("/", routes![publish, fire])
}
