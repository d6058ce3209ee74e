// expects: cancelled-between-writes
use rocket::{post,State,tokio,Shutdown}; use sqlx::SqlitePool;
#[post("/m")] async fn m(p: &State<SqlitePool>, mut sd: Shutdown) -> &'static str {
  tokio::select! {
    r = async { sqlx::query("UPDATE a SET n = n - 1").execute(p.inner()).await?; sqlx::query("UPDATE b SET n = n + 1").execute(p.inner()).await?; Ok::<_, sqlx::Error>(()) } => { if r.is_ok() { "ok" } else { "err" } }
    _ = &mut sd => "bye",
  } }
