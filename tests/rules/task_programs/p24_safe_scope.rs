// expects: nothing
use rocket::{post,State,tokio::sync::RwLock};
struct Config { inner: RwLock<Vec<String>> }
#[post("/r")] async fn r(cfg: &State<Config>) -> String {
    let n = { let guard = cfg.inner.read().await; guard.len() };
    { let mut w = cfg.inner.write().await; w.retain(|x| !x.is_empty()); }
    format!("{}", n)
}
