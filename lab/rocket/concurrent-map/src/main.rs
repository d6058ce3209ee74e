//! Nicknames in a `DashMap`, which needs no lock around it.
//!
//! Each call on the map is one step, and two calls are two. `POST /claim/<name>` asks
//! whether the name is there and then puts it in:
//!
//! ```text
//! first                  second                 "ada"
//! there?  no                                    -
//!                        there?  no             -
//! put in, "yours"                               first's
//!                        put in, "yours"        second's
//! ```
//!
//! And what `get` gives is a reference that keeps its part of the map locked as long
//! as it lives. `POST /release/<name>` takes the name out while it has one, so it
//! waits for itself. It takes no second request for that.

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
    if names.taken.contains_key(name) {
        return (Status::Conflict, "taken");
    }
    names.taken.insert(name.to_string(), mail);
    (Status::Ok, "yours")
}

#[post("/release/<name>")]
fn release(name: &str, names: &State<Names>) -> (Status, &'static str) {
    match names.taken.get(name) {
        None => (Status::NotFound, "nobody has it"),
        Some(_mail) => {
            names.taken.remove(name);
            (Status::Ok, "free again")
        }
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
