use rocket::{get, launch, post, routes, State};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Default)]
struct Draw {
    number: AtomicU64,
    ready: AtomicBool,
}

#[post("/draw/<number>")]
fn draw(number: u64, draw: &State<Draw>) {
    draw.number.store(number, Ordering::Relaxed);
    draw.ready.store(true, Ordering::Release);
}

#[get("/result")]
fn result(draw: &State<Draw>) -> Option<String> {
    if draw.ready.load(Ordering::Acquire) {
        return Some(draw.number.load(Ordering::Relaxed).to_string());
    }
    None
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Draw::default())
        .mount("/", routes![draw, result])
}
