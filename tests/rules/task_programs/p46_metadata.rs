// expects: file-check-then-act
use rocket::{post,tokio::fs}; 
#[post("/q/<user>", data="<body>")] async fn q(user: &str, body: String) -> &'static str {
  let path = format!("quota/{user}");
  let size = fs::metadata(&path).await.map(|m| m.len()).unwrap_or(0);
  if size + body.len() as u64 > 1000 { return "full"; }
  let old = fs::read_to_string(&path).await.unwrap_or_default();
  let _ = fs::write(&path, old + &body).await; "ok" }
