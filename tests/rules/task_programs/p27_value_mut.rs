// expects: map-reference-held
use rocket::{post,State}; use dashmap::DashMap; use std::sync::Arc;
type Store = Arc<DashMap<String, Vec<u32>>>;
#[post("/x/<k>")] fn x(k: String, store: &State<Store>) {
    let mut entry = store.entry(k.clone()).or_default();
    entry.push(1);
    if entry.len() > 10 { store.remove(&k); }
}
