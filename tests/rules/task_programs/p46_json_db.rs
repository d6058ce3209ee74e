// expects: file-check-then-act
use rocket::{post,serde::json::Json}; use std::fs; 
const DB: &str = "db.json";
#[derive(serde::Serialize,serde::Deserialize,Default)] struct Data { items: Vec<String> }
fn load() -> Data { fs::read_to_string(DB).ok().and_then(|s| serde_json::from_str(&s).ok()).unwrap_or_default() }
fn save(d: &Data) { fs::write(DB, serde_json::to_string(d).unwrap()).unwrap(); }
#[post("/add", data="<i>")] fn add(i: Json<String>) -> String { let mut d = load(); d.items.push(i.into_inner()); save(&d); d.items.len().to_string() }
