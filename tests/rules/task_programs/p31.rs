// expects: poisoned-lock
use rocket::{get,State}; use std::sync::Mutex; struct A { m: Mutex<Vec<u32>> }
#[get("/x/<i>")] fn x(i: usize, a: &State<A>) -> String { let g = a.m.lock().unwrap(); g[i].to_string() }
