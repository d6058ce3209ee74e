// expects: lock-dropped-at-once
use rocket::{post,State}; use std::sync::Mutex;
struct App { gate: Mutex<()>, n: std::sync::atomic::AtomicU32 }
#[post("/x")] fn x(app: &State<App>) { let _ = app.gate.lock(); app.n.fetch_add(1, std::sync::atomic::Ordering::SeqCst); }
