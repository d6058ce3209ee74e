use rocket::{launch, post, routes, tokio::sync::RwLock, State};
use std::{collections::HashMap, sync::Arc};

#[derive(Default)]
struct Room {
    members: RwLock<Vec<String>>,
}

#[derive(Default)]
struct App {
    rooms: RwLock<HashMap<String, Arc<Room>>>,
}

impl App {
    async fn room(&self, name: &str) -> Arc<Room> {
        self.rooms
            .write()
            .await
            .entry(name.to_string())
            .or_default()
            .clone()
    }
}

#[post("/rooms/<room>/<user>")]
async fn act(room: &str, user: String, app: &State<App>) -> &'static str {
    let room = app.room(room).await;
    let mut members = room.members.write().await;
    if members.len() >= 2 {
        return "full";
    }
    members.push(user);
    "joined"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
