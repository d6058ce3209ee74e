use rocket::tokio::sync::Mutex;
use rocket::{launch, post, routes, State};

#[derive(Default)]
struct App {
    leader: Mutex<Option<String>>,
}

#[post("/lead/<name>")]
async fn act(name: String, app: &State<App>) -> Result<(), &'static str> {
    let mut leader = app.leader.lock().await;
    if leader.is_none() {
        *leader = Some(name);
        return Ok(());
    }
    Err("there is a leader")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
