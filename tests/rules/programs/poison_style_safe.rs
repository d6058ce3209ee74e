use rocket::http::Status;
use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

struct Room {
    capacity: usize,
    members: Vec<String>,
}

#[derive(Default)]
struct App {
    rooms: Mutex<HashMap<String, Room>>,
}

type Answer = Result<Status, Status>;

#[post("/rooms/<room>/<name>")]
fn act(room: &str, name: String, app: &State<App>) -> Answer {
    match app.rooms.lock() {
        Ok(mut rooms) => {
            let Some(room) = rooms.get_mut(room) else {
                return Err(Status::NotFound);
            };
            if room.members.len() >= room.capacity {
                return Err(Status::Conflict);
            }
            room.members.push(name);
            Ok(Status::Created)
        }
        Err(_) => Err(Status::InternalServerError),
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
