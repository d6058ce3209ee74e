use rocket::tokio::sync::Mutex;
use rocket::{delete, get, launch, routes, State};
use std::collections::HashMap;

#[derive(Default)]
struct App {
    names: Mutex<HashMap<u64, String>>,
    scores: Mutex<HashMap<u64, u32>>,
}

#[get("/players/<id>")]
async fn show(id: u64, app: &State<App>) -> Option<String> {
    let names = app.names.lock().await;
    let scores = app.scores.lock().await;
    Some(format!("{}: {}", names.get(&id)?, scores.get(&id)?))
}

#[delete("/players/<id>")]
async fn act(id: u64, app: &State<App>) {
    app.names.lock().await.remove(&id);
    app.scores.lock().await.remove(&id);
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, show])
}
