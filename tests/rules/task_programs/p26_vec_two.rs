// expects: request-ordered-locks
use rocket::{post,State,serde::json::Json}; use std::sync::{Arc,Mutex}; use std::collections::HashMap;
#[derive(serde::Deserialize)] struct T { from: u32, to: u32, amount: i64 }
struct Bank { accounts: HashMap<u32, Arc<Mutex<i64>>> }
#[post("/t", data="<t>")] fn t(t: Json<T>, bank: &State<Bank>) -> Option<()> {
    let from = bank.accounts.get(&t.from)?;
    let to = bank.accounts.get(&t.to)?;
    let mut f = from.lock().ok()?; let mut g = to.lock().ok()?;
    *f -= t.amount; *g += t.amount; Some(())
}
