use arc_swap::ArcSwap;
use rocket::{get, launch, put, routes, State};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Default)]
struct Settings {
    flags: HashMap<String, bool>,
}

struct Config(ArcSwap<Settings>);

#[put("/flags/<name>/<on>")]
fn set_flag(name: String, on: bool, config: &State<Config>) {
    let mut next = (**config.0.load()).clone();
    next.flags.insert(name, on);
    config.0.store(Arc::new(next));
}

#[get("/flags/<name>")]
fn flag(name: &str, config: &State<Config>) -> String {
    config
        .0
        .load()
        .flags
        .get(name)
        .copied()
        .unwrap_or(false)
        .to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Config(ArcSwap::from_pointee(Settings::default())))
        .mount("/", routes![set_flag, flag])
}
