// expects: executed-twice
use rocket::{get,State}; use sqlx::SqlitePool;
#[get("/confirm/<t>")] async fn confirm(t: String, p: &State<SqlitePool>) -> &'static str { let _ = sqlx::query("UPDATE users SET ok = 1 WHERE token = ?").bind(t).execute(p.inner()).await; "ok" }
