use rocket::serde::json::Json;
use rocket::{launch, post, routes, State};
use std::sync::Mutex;

#[derive(Default)]
struct App {
    waiting: Mutex<Vec<String>>,
}

#[post("/wait/<name>")]
fn act(name: String, app: &State<App>) -> Json<usize> {
    let mut waiting = app.waiting.lock().unwrap();
    waiting.push(name);
    Json(waiting.len())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
