//! Nicknames in a `DashMap`, with one call for what is one step.
//!
//! The twin of `concurrent-map`. There, a name is looked for and put in by two calls, and
//! taken out under a reference to it. Here `entry` keeps the name's part of the map
//! until it is decided, and `remove` gives what it took out:
//!
//! ```text
//! first                  second                 "ada"
//! not there: put it in                          first's
//!                        there: "taken"         first's
//! ```

use dashmap::mapref::entry::Entry;
use dashmap::DashMap;
use rocket::http::Status;
use rocket::{get, launch, post, routes, State};

#[derive(Default)]
struct Names {
    /// The mail address of whoever has the name.
    taken: DashMap<String, String>,
}

#[post("/claim/<name>", data = "<mail>")]
fn claim(name: &str, mail: String, names: &State<Names>) -> (Status, &'static str) {
    match names.taken.entry(name.to_string()) {
        Entry::Occupied(_) => (Status::Conflict, "taken"),
        Entry::Vacant(free) => {
            free.insert(mail);
            (Status::Ok, "yours")
        }
    }
}

#[post("/release/<name>")]
fn release(name: &str, names: &State<Names>) -> (Status, &'static str) {
    match names.taken.remove(name) {
        None => (Status::NotFound, "nobody has it"),
        Some(_) => (Status::Ok, "free again"),
    }
}

#[get("/names")]
fn count(names: &State<Names>) -> String {
    names.taken.len().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Names::default())
        .mount("/", routes![claim, release, count])
}
