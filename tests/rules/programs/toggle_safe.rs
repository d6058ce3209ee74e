use rocket::{launch, post, routes, State};
use std::sync::atomic::{AtomicBool, Ordering};

struct Lamp {
    on: AtomicBool,
}

impl Lamp {
    fn toggle(&self) -> bool {
        !self.on.fetch_xor(true, Ordering::Relaxed)
    }
}

#[post("/toggle")]
fn toggle(lamp: &State<Lamp>) -> String {
    lamp.toggle().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Lamp {
            on: AtomicBool::new(false),
        })
        .mount("/", routes![toggle])
}
