use rocket::{get, launch, routes};
use std::sync::atomic::{AtomicU64, Ordering};

static HITS: AtomicU64 = AtomicU64::new(0);

#[get("/")]
fn index() -> String {
    let hits = HITS.fetch_add(1, Ordering::Relaxed) + 1;
    format!("hit {hits}")
}

#[get("/hits")]
fn hits() -> String {
    HITS.load(Ordering::Relaxed).to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![index, hits])
}
