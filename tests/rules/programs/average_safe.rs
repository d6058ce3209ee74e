use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    stats: Mutex<HashMap<String, (u64, u64)>>,
}
impl App {
    fn record(&self, k: &str, n: u64) {
        let mut s = self.stats.lock().unwrap();
        let e = s.entry(k.to_owned()).or_insert((0, 0));
        e.0 += 1;
        e.1 += n;
    }
    fn average(&self, k: &str) -> Option<u64> {
        let s = self.stats.lock().unwrap();
        let (n, sum) = s.get(k)?;
        Some(sum / n)
    }
}
#[post("/m/<k>/<n>")]
fn act(k: &str, n: u64, app: &State<App>) -> String {
    app.record(k, n);
    "ok".into()
}
#[get("/m/<k>")]
fn avg(k: &str, app: &State<App>) -> Option<String> {
    app.average(k).map(|a| a.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, avg])
}
