use rocket::{launch, put, routes, State};
use std::sync::{Arc, RwLock};

#[derive(Clone, Default)]
struct Settings {
    theme: String,
    limit: u32,
}

#[derive(Default)]
struct App {
    settings: RwLock<Arc<Settings>>,
}

#[put("/limit/<limit>")]
fn act(limit: u32, app: &State<App>) -> String {
    let current = app.settings.read().unwrap().clone();
    let mut next = (*current).clone();
    next.limit = limit;
    *app.settings.write().unwrap() = Arc::new(next);
    current.theme.clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
