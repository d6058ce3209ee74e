use rocket::serde::json::Json;
use rocket::{launch, post, routes, State};
use std::collections::BTreeSet;
use std::sync::RwLock;

#[derive(Default)]
struct App {
    reserved: RwLock<BTreeSet<u32>>,
}

#[post("/reserve", data = "<seats>")]
fn act(seats: Json<Vec<u32>>, app: &State<App>) -> Json<Vec<u32>> {
    let mut mine = Vec::new();
    for seat in seats.iter() {
        if !app.reserved.read().unwrap().contains(seat) {
            app.reserved.write().unwrap().insert(*seat);
            mine.push(*seat);
        }
    }
    Json(mine)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
