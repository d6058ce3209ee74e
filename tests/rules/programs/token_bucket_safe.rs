use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

struct Bucket {
    tokens: f64,
    last: std::time::Instant,
}
#[derive(Default)]
struct App {
    buckets: Mutex<HashMap<String, Bucket>>,
}
impl App {
    fn take(&self, key: &str) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap();
        let now = std::time::Instant::now();
        let bucket = buckets.entry(key.to_string()).or_insert_with(|| Bucket {
            tokens: 10.0,
            last: now,
        });
        bucket.tokens = (bucket.tokens + now.duration_since(bucket.last).as_secs_f64()).min(10.0);
        bucket.last = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(1)
        }
    }
}
#[get("/q/<k>")]
fn act(k: &str, app: &State<App>) -> Result<&'static str, Status> {
    app.take(k).map_err(|_| Status::TooManyRequests)?;
    Ok("ok")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
