use rocket::{http::Status, launch, post, routes, State};
use std::collections::{HashMap, HashSet};
use tokio::sync::{Mutex, RwLock};

#[derive(Default)]
struct App {
    frozen: RwLock<HashSet<u32>>,
    cash: Mutex<HashMap<u32, i64>>,
}

#[post("/pay/<id>/<amount>")]
async fn act(id: u32, amount: i64, app: &State<App>) -> Status {
    let frozen = app.frozen.read().await;
    if frozen.contains(&id) {
        return Status::Locked;
    }
    *app.cash.lock().await.entry(id).or_insert(0) -= amount;
    Status::Ok
}

#[post("/freeze/<id>")]
async fn freeze(id: u32, app: &State<App>) {
    app.frozen.write().await.insert(id);
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(App::default()).mount("/", routes![act, freeze])
}
