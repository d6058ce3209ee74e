use rocket::{get, launch, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

struct App {
    links: Mutex<HashMap<String, u32>>,
}

#[get("/open/<link>")]
fn act(link: &str, app: &State<App>) -> Option<String> {
    let user = app.links.lock().unwrap().remove(link)?;
    Some(user.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App { links: Mutex::default() })
        .mount("/", routes![act])
}
