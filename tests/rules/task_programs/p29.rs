// expects: lock-across-io
use rocket::{post,State,tokio::sync::Mutex};
struct A { m: Mutex<u32>, http: reqwest::Client }
impl A { async fn call(&self) -> Result<String, reqwest::Error> { self.http.get("http://x").send().await?.text().await } }
#[post("/x")] async fn x(a: &State<A>) -> Option<String> { let mut m = a.m.lock().await; let r = a.call().await.ok()?; *m += 1; Some(r) }
