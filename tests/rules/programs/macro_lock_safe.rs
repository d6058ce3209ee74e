use rocket::{launch, post, routes, State};
use std::sync::Mutex;

macro_rules! lock {
    ($mutex:expr) => {
        $mutex
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    };
}

#[derive(Default)]
struct App {
    credits: Mutex<u32>,
}

#[post("/use")]
fn act(app: &State<App>) -> &'static str {
    let mut credits = lock!(app.credits);
    if *credits == 0 {
        return "no credits";
    }
    *credits -= 1;
    "used one"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
