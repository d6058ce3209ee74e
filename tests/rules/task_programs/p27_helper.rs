// expects: map-reference-held
use rocket::{post,State}; use dashmap::DashMap;
struct App { m: DashMap<u32, u32> }
impl App { fn evict(&self) { self.m.retain(|_, v| *v > 0); } }
#[post("/x/<k>")] fn x(k: u32, app: &State<App>) -> Option<String> {
    let v = app.m.get(&k)?;
    app.evict();
    Some(v.to_string())
}
