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

fn worth(app: &App, code: &str) -> Result<u64, Status> {
    app.cards
        .lock()
        .map_err(|_| Status::InternalServerError)?
        .get(code)
        .map(|gift| gift.cents)
        .filter(|cents| *cents > 0)
        .ok_or(Status::NotFound)
}

fn empty(app: &App, code: &str) -> Result<(), Status> {
    app.cards
        .lock()
        .map_err(|_| Status::InternalServerError)?
        .entry(code.to_string())
        .and_modify(|gift| gift.cents = 0);
    Ok(())
}

#[post("/gift/<code>")]
async fn act(code: &str, app: &State<App>) -> Result<String, Status> {
    let cents = worth(app, code)?;
    rocket::tokio::task::yield_now().await;
    empty(app, code)?;
    Ok(format!("{cents} cents for you"))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
