// expects: pool-self-starvation
use rocket::{post,State}; use sqlx::SqlitePool;
async fn audit(pool: &SqlitePool) -> Result<(), sqlx::Error> { let mut c = pool.acquire().await?; sqlx::query("INSERT INTO audit(x) VALUES (1)").execute(&mut *c).await?; Ok(()) }
#[post("/x")] async fn x(pool: &State<SqlitePool>) -> Option<()> {
    let mut conn = pool.acquire().await.ok()?;
    sqlx::query("UPDATE t SET a = a + 1").execute(&mut *conn).await.ok()?;
    audit(pool.inner()).await.ok()?;
    Some(())
}
