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
    let full = {
        let rooms = app.rooms.lock().map_err(|_| Status::InternalServerError)?;
        let room = rooms.get(room).ok_or(Status::NotFound)?;
        room.members.len() >= room.capacity
    };
    if full {
        return Err(Status::Conflict);
    }
    let mut rooms = app.rooms.lock().map_err(|_| Status::InternalServerError)?;
    let Some(room) = rooms.get_mut(room) else {
        return Err(Status::NotFound);
    };
    room.members.push(name);
    Ok(Status::Created)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
