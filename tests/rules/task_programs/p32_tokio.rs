// expects: lock-dropped-at-once
use rocket::{post,State,tokio::sync::Mutex}; use std::sync::Arc;
struct App { gate: Arc<Mutex<()>>, n: std::sync::atomic::AtomicU32 }
#[post("/x")] async fn x(app: &State<App>) { let _ = app.gate.lock().await; app.n.fetch_add(1, std::sync::atomic::Ordering::SeqCst); }
