// expects: nothing
use rocket::{post,State,tokio}; use std::sync::{Arc,atomic::{AtomicU32,Ordering}};
struct M { hits: Arc<AtomicU32> }
#[post("/x")] async fn x(m: &State<M>) -> &'static str {
    let hits = m.hits.clone();
    tokio::spawn(async move { hits.fetch_add(1, Ordering::Relaxed); });
    "ok"
}
