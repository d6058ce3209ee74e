// expects: rwlock-upgrade-while-reading
use rocket::{post,State,tokio::sync::RwLock}; use std::sync::Arc;
#[derive(Clone)] struct Config { inner: Arc<RwLock<Vec<String>>> }
async fn refresh(cfg: &Config) { let mut w = cfg.inner.write().await; w.clear(); }
#[post("/r")] async fn r(cfg: &State<Config>) -> String {
    let guard = cfg.inner.read().await;
    let n = guard.len();
    if n > 10 { refresh(cfg.inner()).await; }
    format!("{}", n)
}
