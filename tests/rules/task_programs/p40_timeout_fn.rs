// expects: cancelled-between-writes
use rocket::{post,State,tokio::{self,sync::Mutex}}; use std::time::Duration;
struct B { a: Mutex<i64>, b: Mutex<i64> }
async fn mv(b: &B, n: i64) { { let mut a = b.a.lock().await; *a -= n; } tokio::time::sleep(Duration::from_millis(10)).await; { let mut c = b.b.lock().await; *c += n; } }
#[post("/m/<n>")] async fn m(n: i64, b: &State<B>) -> &'static str {
  match tokio::time::timeout(Duration::from_millis(50), mv(b.inner(), n)).await { Ok(_) => "ok", Err(_) => "timeout" } }
