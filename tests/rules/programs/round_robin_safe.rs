use once_cell::sync::Lazy;
use rocket::{get, launch, routes, State};
use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: Lazy<AtomicUsize> = Lazy::new(|| AtomicUsize::new(0));

#[derive(Default)]
struct App {
    backends: Vec<String>,
}

#[get("/backend")]
fn act(app: &State<App>) -> Option<String> {
    let index = NEXT.fetch_add(1, Ordering::Relaxed) % app.backends.len();
    app.backends.get(index).cloned()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
