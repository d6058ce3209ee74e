use crossbeam::atomic::AtomicCell;
use rocket::{launch, post, routes, State};

#[derive(Clone, Copy, PartialEq)]
enum Door {
    Open,
    Closed,
}

struct App {
    door: AtomicCell<Door>,
}

#[post("/close")]
fn act(app: &State<App>) -> &'static str {
    if app.door.swap(Door::Closed) == Door::Closed {
        return "it is closed";
    }
    "you closed it"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App {
            door: AtomicCell::new(Door::Open),
        })
        .mount("/", routes![act])
}
