use rocket::{get, launch, routes, State};
use std::collections::HashMap;
use std::sync::RwLock;
use uuid::Uuid;

#[derive(Default)]
struct App {
    devices: RwLock<HashMap<String, Uuid>>,
}

#[get("/device/<name>")]
fn act(name: String, app: &State<App>) -> String {
    if let Some(id) = app.devices.read().unwrap().get(&name).copied() {
        return id.to_string();
    }
    let id = Uuid::new_v4();
    app.devices.write().unwrap().insert(name, id);
    id.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
