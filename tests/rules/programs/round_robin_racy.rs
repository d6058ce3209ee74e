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
    let index = NEXT.load(Ordering::Relaxed);
    NEXT.store((index + 1) % app.backends.len(), Ordering::Relaxed);
    app.backends.get(index).cloned()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
