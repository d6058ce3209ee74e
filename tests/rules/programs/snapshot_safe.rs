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
    let mut settings = app.settings.write().unwrap();
    Arc::make_mut(&mut settings).limit = limit;
    settings.theme.clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
