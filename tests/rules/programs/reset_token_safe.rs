use rocket::form::{Form, FromForm};
use rocket::{launch, post, routes, State};
use std::collections::{HashMap, HashSet};
use tokio::sync::RwLock;

#[derive(FromForm)]
struct Reset {
    token: String,
    user: String,
    password: String,
}

#[derive(Default)]
struct Auth {
    tokens: RwLock<HashSet<String>>,
    passwords: RwLock<HashMap<String, String>>,
}

#[post("/reset", data = "<form>")]
async fn reset(form: Form<Reset>, auth: &State<Auth>) -> &'static str {
    let hash = hash(&form.password).await;
    let valid = auth.tokens.write().await.remove(&form.token);
    if valid {
        auth.passwords.write().await.insert(form.user.clone(), hash);
        "changed"
    } else {
        "bad token"
    }
}

async fn hash(password: &str) -> String {
    let password = password.to_owned();
    rocket::tokio::task::spawn_blocking(move || password.chars().rev().collect())
        .await
        .unwrap()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Auth::default())
        .mount("/", routes![reset])
}
