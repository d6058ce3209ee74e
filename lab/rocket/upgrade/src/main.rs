//! Page counts behind a reader-writer lock.
//!
//! Most pages are known, so `POST /visit/<page>` looks under a read guard, which
//! others can share, and asks for the write guard only for a page that is new. The
//! read guard is still there then. A writer waits until nobody reads, and this
//! request is one of those who read:
//!
//! ```text
//! POST /visit/home        readers
//! read guard              1
//! "home" is new           1
//! write guard: waits      1, and it is me
//! ```
//!
//! It takes no second visitor, and every later one waits behind it.

use std::collections::HashMap;

use parking_lot::RwLock;
use rocket::{get, launch, post, routes, State};

#[derive(Default)]
struct Pages {
    visits: RwLock<HashMap<String, u64>>,
}

#[post("/visit/<page>")]
fn visit(page: &str, pages: &State<Pages>) -> String {
    let known = pages.visits.read();
    if known.contains_key(page) {
        return format!("{page} is known");
    }
    let mut visits = pages.visits.write();
    visits.insert(page.to_string(), 1);
    format!("{page} is new")
}

#[get("/visits/<page>")]
fn count(page: &str, pages: &State<Pages>) -> String {
    pages
        .visits
        .read()
        .get(page)
        .copied()
        .unwrap_or(0)
        .to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Pages::default())
        .mount("/", routes![visit, count])
}
