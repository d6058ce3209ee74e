use rocket::{get, launch, post, routes, State};
use std::sync::Mutex;

#[derive(Default)]
struct App {
    visits: Mutex<u64>,
    posts: Mutex<u64>,
}

#[post("/note")]
fn act(app: &State<App>) {
    *app.visits.lock().unwrap() += 1;
    *app.posts.lock().unwrap() += 1;
}

#[get("/tallies")]
fn tallies(app: &State<App>) -> String {
    let visits = *app.visits.lock().unwrap();
    let posts = *app.posts.lock().unwrap();
    format!("{visits} {posts}")
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(App::default()).mount("/", routes![act, tallies])
}
