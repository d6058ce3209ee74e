use rocket::{launch, post, routes};
use std::sync::Mutex;

static LAST_ID: Mutex<u32> = Mutex::new(0);

fn next_id() -> u32 {
    let mut last = LAST_ID.lock().unwrap();
    *last += 1;
    *last
}

#[post("/id")]
fn act() -> String {
    next_id().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![act])
}
