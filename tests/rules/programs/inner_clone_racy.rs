use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

#[derive(Clone, Default)]
struct App {
    likes: Arc<Mutex<HashMap<u64, u64>>>,
}

#[post("/like/<post>")]
async fn act(post: u64, state: &State<App>) -> String {
    let app = state.inner().clone();
    let likes = app.likes.lock().await.get(&post).copied().unwrap_or(0);
    let next = likes.saturating_add(1);
    app.likes.lock().await.insert(post, next);
    next.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
