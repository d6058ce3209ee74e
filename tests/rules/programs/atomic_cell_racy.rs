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
    if app.door.load() == Door::Closed {
        return "it is closed";
    }
    app.door.store(Door::Closed);
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
