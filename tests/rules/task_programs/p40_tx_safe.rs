// expects: nothing
use rocket::{post,State,tokio}; use sqlx::SqlitePool; use std::time::Duration;
async fn go(p: &SqlitePool) -> Result<(), sqlx::Error> { let mut tx = p.begin().await?; sqlx::query("UPDATE a SET n = n - 1").execute(&mut *tx).await?; sqlx::query("UPDATE b SET n = n + 1").execute(&mut *tx).await?; tx.commit().await?; Ok(()) }
#[post("/m")] async fn m(p: &State<SqlitePool>) -> &'static str { let _ = tokio::time::timeout(Duration::from_secs(1), go(p.inner())).await; "ok" }
