use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

#[derive(Default)]
struct App {
    users: Mutex<HashMap<String, u32>>,
}

impl App {
    fn users(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.users.lock().unwrap()
    }
}

#[post("/join/<name>")]
fn act(name: String, app: &State<App>) -> &'static str {
    let mut users = app.users();
    if users.contains_key(&name) {
        return "taken";
    }
    users.insert(name, 0);
    "joined"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
