//! Page counts behind a reader-writer lock, with a guard that may be upgraded.
//!
//! The twin of `upgrade`. There, a request asks for the write guard under its own
//! read guard and waits for itself. `upgradable_read` shares the lock with readers,
//! but not with another of its kind, so whoever has one may turn it into the write
//! guard as soon as the readers have gone:
//!
//! ```text
//! first                   second
//! upgradable guard
//! "home" is new           upgradable guard: waits
//! upgrade, put it in
//! release
//!                         upgradable guard
//!                         "home" is known
//! ```

use std::collections::HashMap;

use parking_lot::{RwLock, RwLockUpgradableReadGuard};
use rocket::{get, launch, post, routes, State};

#[derive(Default)]
struct Pages {
    visits: RwLock<HashMap<String, u64>>,
}

#[post("/visit/<page>")]
fn visit(page: &str, pages: &State<Pages>) -> String {
    let known = pages.visits.upgradable_read();
    if known.contains_key(page) {
        return format!("{page} is known");
    }
    let mut visits = RwLockUpgradableReadGuard::upgrade(known);
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
