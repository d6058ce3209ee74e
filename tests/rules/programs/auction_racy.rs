use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    bids: rocket::tokio::sync::RwLock<HashMap<u32, u64>>,
}
#[post("/bid/<item>/<n>")]
async fn act(item: u32, n: u64, app: &State<App>) -> &'static str {
    let highest = {
        let bids = app.bids.read().await;
        bids.get(&item).copied().unwrap_or(0)
    };
    if n > highest {
        let mut bids = app.bids.write().await;
        bids.insert(item, n);
        "highest"
    } else {
        "too low"
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
