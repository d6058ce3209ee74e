// expects: respond-before-persist
use rocket::{post,State,tokio}; use sqlx::SqlitePool;
#[post("/x/<n>")] async fn x(n: String, pool: &State<SqlitePool>) -> &'static str {
    let pool = pool.inner().clone();
    tokio::spawn(async move { sqlx::query("INSERT INTO notes(body) VALUES (?)").bind(n).execute(&pool).await.ok(); });
    "saved"
}
