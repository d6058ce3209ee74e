use rocket::fairing::{Fairing, Info, Kind};
use rocket::serde::json::{json, Value};
use rocket::{get, launch, routes, Data, Request, Response, State};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

#[derive(Default)]
struct Metrics {
    active: AtomicU64,
    total: AtomicU64,
    errors: AtomicU64,
}

struct Counting(Arc<Metrics>);

#[rocket::async_trait]
impl Fairing for Counting {
    fn info(&self) -> Info {
        Info {
            name: "counting",
            kind: Kind::Request | Kind::Response,
        }
    }

    async fn on_request(&self, _request: &mut Request<'_>, _data: &mut Data<'_>) {
        self.0.active.fetch_add(1, Relaxed);
        self.0.total.fetch_add(1, Relaxed);
    }

    async fn on_response<'r>(&self, _request: &'r Request<'_>, response: &mut Response<'r>) {
        if response.status().code >= 500 {
            self.0.errors.fetch_add(1, Relaxed);
        }
        self.0.active.fetch_sub(1, Relaxed);
    }
}

#[get("/metrics")]
fn metrics(metrics: &State<Arc<Metrics>>) -> Value {
    json!({
        "active": metrics.active.load(Relaxed),
        "total": metrics.total.load(Relaxed),
        "errors": metrics.errors.load(Relaxed),
    })
}

#[launch]
fn rocket() -> _ {
    let shared = Arc::new(Metrics::default());
    rocket::build()
        .manage(shared.clone())
        .attach(Counting(shared))
        .mount("/", routes![metrics])
}
