//! An application that goes wrong in the way that MISBEHAVE names.

use std::sync::atomic::{AtomicU32, Ordering};

use rocket::{get, launch, routes, State};

#[derive(Default)]
struct Shared {
    value: AtomicU32,
}

/// Sees a value twice, and ends the whole process when it changed in between.
#[get("/twice")]
fn twice(shared: &State<Shared>) -> &'static str {
    let first = shared.value.load(Ordering::SeqCst);
    let second = shared.value.load(Ordering::SeqCst);
    if first != second && misbehaves("crash") {
        std::process::abort();
    }
    "the same"
}

#[get("/add")]
fn add(shared: &State<Shared>) -> &'static str {
    shared.value.fetch_add(1, Ordering::SeqCst);
    "added"
}

fn misbehaves(how: &str) -> bool {
    std::env::var("MISBEHAVE").is_ok_and(|value| value == how)
}

#[launch]
fn rocket() -> _ {
    if misbehaves("exit") {
        eprintln!("no license file");
        std::process::exit(3);
    }
    if misbehaves("silent") {
        loop {
            std::thread::park();
        }
    }
    let mut figment = rocket::Config::figment();
    if misbehaves("port") {
        let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
        figment = figment.merge(("port", port));
    }
    rocket::custom(figment)
        .manage(Shared::default())
        .mount("/", routes![twice, add])
}
