// expects: map-reference-across-await
use rocket::{post,State}; use dashmap::DashMap;
struct App { m: DashMap<u32, Vec<u8>> }
async fn fetch(k: u32) -> Vec<u8> { rocket::tokio::time::sleep(std::time::Duration::from_millis(5)).await; vec![] }
#[post("/x/<k>")] async fn x(k: u32, app: &State<App>) {
    if let Some(mut v) = app.m.get_mut(&k) {
        let data = fetch(k).await;
        v.extend(data);
    }
}
