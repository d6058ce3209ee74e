use dashmap::{mapref::entry::Entry, DashMap};
use rocket::{http::Status, launch, post, routes, State};

#[derive(Default)]
struct App {
    names: DashMap<String, u64>,
}

#[post("/claim/<name>/<user>")]
fn act(name: String, user: u64, app: &State<App>) -> Status {
    if app.names.contains_key(&name) {
        return Status::Conflict;
    }
    app.names.insert(name, user);
    Status::Created
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
