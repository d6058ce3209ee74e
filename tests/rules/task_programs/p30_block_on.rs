// expects: blocking-guard-across-await
use rocket::{post,State}; use std::sync::Mutex;
struct App { m: Mutex<u32> }
async fn slow() {}
#[post("/x")] fn x(app: &State<App>) {
    rocket::tokio::task::block_in_place(|| rocket::tokio::runtime::Handle::current().block_on(async {
        let mut g = app.m.lock().unwrap(); slow().await; *g += 1;
    }));
}
