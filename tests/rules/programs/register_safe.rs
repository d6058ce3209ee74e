use rocket::serde::{json::Json, Deserialize};
use rocket::tokio::sync::RwLock;
use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(crate = "rocket::serde")]
struct Registration<'r> {
    username: &'r str,
    password: &'r str,
}

#[derive(Default)]
struct Accounts {
    by_name: RwLock<HashMap<String, String>>,
}

async fn slow_hash(password: &str) -> String {
    rocket::tokio::task::yield_now().await;
    password.chars().rev().collect()
}

#[post("/register", data = "<form>")]
async fn register(form: Json<Registration<'_>>, accounts: &State<Accounts>) -> Status {
    if accounts.by_name.read().await.contains_key(form.username) {
        return Status::Conflict;
    }
    let hash = slow_hash(form.password).await;
    match accounts
        .by_name
        .write()
        .await
        .entry(form.username.to_string())
    {
        std::collections::hash_map::Entry::Occupied(_) => Status::Conflict,
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(hash);
            Status::Created
        }
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Accounts::default())
        .mount("/", routes![register])
}
