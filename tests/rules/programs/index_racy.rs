use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::sync::{atomic::*, Arc, Mutex, OnceLock, RwLock};

#[derive(Clone, Default)]
struct User {
    name: String,
    email: String,
}
#[derive(Default)]
struct App {
    by_id: rocket::tokio::sync::RwLock<HashMap<u32, User>>,
    by_email: rocket::tokio::sync::RwLock<HashMap<String, u32>>,
}
#[post("/u/<id>/<email>")]
async fn act(id: u32, email: String, app: &State<App>) {
    {
        let mut users = app.by_id.write().await;
        users.insert(
            id,
            User {
                name: String::new(),
                email: email.clone(),
            },
        );
    }
    rocket::tokio::task::yield_now().await;
    app.by_email.write().await.insert(email, id);
}
#[get("/e/<email>")]
async fn find(email: String, app: &State<App>) -> Option<String> {
    let index = app.by_email.read().await;
    let id = index.get(&email)?;
    let users = app.by_id.read().await;
    users.get(id).map(|u| u.name.clone())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act, find])
}
