// expects: request-ordered-locks
use rocket::{post,State,tokio::sync::{Mutex,RwLock}}; use std::sync::Arc; use std::collections::HashMap;
struct Bank { accounts: RwLock<HashMap<u32, Arc<Mutex<i64>>>> }
#[post("/t/<from>/<to>")] async fn t(from: u32, to: u32, bank: &State<Bank>) -> Option<()> {
    let accounts = bank.accounts.read().await;
    let a = accounts.get(&from)?.clone(); let b = accounts.get(&to)?.clone();
    drop(accounts);
    let mut f = a.lock().await; let mut g = b.lock().await;
    *f -= 1; *g += 1; Some(())
}
