use rocket::{http::Status, launch, post, routes, State};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[derive(Default)]
struct Importer {
    busy: AtomicBool,
    runs: AtomicUsize,
    requests: AtomicUsize,
}

async fn import() {
    rocket::tokio::task::yield_now().await;
}

#[post("/import")]
async fn start(importer: &State<Importer>) -> Status {
    importer.requests.fetch_add(1, Ordering::Relaxed);
    if importer
        .busy
        .compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire)
        .is_err()
    {
        return Status::Conflict;
    }
    import().await;
    importer.runs.fetch_add(1, Ordering::Relaxed);
    importer.busy.store(false, Ordering::Release);
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Importer::default())
        .mount("/", routes![start])
}
