use rocket::serde::json::{json, Value};
use rocket::{launch, post, routes, State};
use std::sync::atomic::{AtomicU64, Ordering};

struct Tickets {
    last: AtomicU64,
}

#[post("/tickets")]
fn create(tickets: &State<Tickets>) -> Value {
    tickets.last.fetch_add(1, Ordering::SeqCst);
    let id = tickets.last.load(Ordering::SeqCst);
    json!({ "id": id, "status": "open" })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Tickets {
            last: AtomicU64::new(0),
        })
        .mount("/", routes![create])
}
