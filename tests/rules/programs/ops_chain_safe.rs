use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Default)]
struct Gift {
    cents: u64,
}

#[derive(Default)]
struct App {
    cards: Mutex<HashMap<String, Gift>>,
}

fn cash(app: &App, code: &str) -> Result<u64, Status> {
    app.cards
        .lock()
        .map_err(|_| Status::InternalServerError)?
        .get_mut(code)
        .map(|gift| std::mem::take(&mut gift.cents))
        .filter(|cents| *cents > 0)
        .ok_or(Status::NotFound)
}

#[post("/gift/<code>")]
async fn act(code: &str, app: &State<App>) -> Result<String, Status> {
    let cents = cash(app, code)?;
    rocket::tokio::task::yield_now().await;
    Ok(format!("{cents} cents for you"))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
