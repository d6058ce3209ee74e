// expects: nothing
use rocket::{post,State}; use dashmap::DashMap;
struct App { m: DashMap<u32, Vec<u8>> }
async fn fetch(k: u32) -> Vec<u8> { vec![] }
#[post("/x/<k>")] async fn x(k: u32, app: &State<App>) {
    let known = app.m.contains_key(&k);
    if known {
        let data = fetch(k).await;
        if let Some(mut v) = app.m.get_mut(&k) { v.extend(data); }
    }
}
