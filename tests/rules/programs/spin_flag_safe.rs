use rocket::{launch, post, routes, tokio, State};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct App {
    busy: AtomicBool,
}

async fn work() {
    tokio::task::yield_now().await;
}

#[post("/work")]
async fn act(app: &State<App>) -> &'static str {
    while app.busy.swap(true, Ordering::AcqRel) {
        tokio::task::yield_now().await;
    }
    work().await;
    app.busy.store(false, Ordering::Release);
    "done"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
