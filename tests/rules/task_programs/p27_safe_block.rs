// expects: nothing
use rocket::{post,State}; use dashmap::DashMap;
struct App { m: DashMap<u32, u32>, n: DashMap<u32,u32> }
#[post("/x/<k>")] fn x(k: u32, app: &State<App>) -> Option<String> {
    let v = { let r = app.m.get(&k)?; *r };
    app.n.insert(k, v);
    let keys: Vec<u32> = app.n.iter().map(|e| *e.key()).collect();
    for key in keys { app.n.remove(&key); }
    Some(v.to_string())
}
