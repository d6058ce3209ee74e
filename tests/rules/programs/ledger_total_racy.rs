use rocket::{get, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Default)]
struct App {
    accounts: Mutex<HashMap<String, i64>>,
    total: Mutex<i64>,
}

#[post("/deposit/<who>/<cents>")]
fn act(who: String, cents: i64, app: &State<App>) {
    {
        let mut accounts = app.accounts.lock().unwrap();
        *accounts.entry(who).or_insert(0) += cents;
    }
    *app.total.lock().unwrap() += cents;
}

#[get("/audit")]
fn audit(app: &State<App>) -> String {
    let sum: i64 = app.accounts.lock().unwrap().values().sum();
    let total = *app.total.lock().unwrap();
    if sum == total { "ok".into() } else { format!("off by {}", total - sum) }
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(App::default()).mount("/", routes![act, audit])
}
