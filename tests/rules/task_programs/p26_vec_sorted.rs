// expects: nothing
use rocket::{post,State}; use std::sync::{Arc,Mutex}; use std::collections::HashMap;
struct Bank { accounts: HashMap<u32, Arc<Mutex<i64>>> }
#[post("/t/<from>/<to>")] fn t(from: u32, to: u32, bank: &State<Bank>) -> Option<()> {
    let (a, b) = (from.min(to), from.max(to));
    let x = bank.accounts.get(&a)?.clone(); let y = bank.accounts.get(&b)?.clone();
    let mut f = x.lock().ok()?; let mut g = y.lock().ok()?;
    *f -= 1; *g += 1; Some(())
}
