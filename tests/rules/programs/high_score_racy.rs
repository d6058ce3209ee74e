use rocket::{launch, post, routes};
use std::sync::atomic::{AtomicU32, Ordering::*};

static BEST: AtomicU32 = AtomicU32::new(0);

#[post("/score/<points>")]
fn score(points: u32) -> &'static str {
    if points > BEST.load(Acquire) {
        BEST.store(points, Release);
        "new record"
    } else {
        "try again"
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![score])
}
