// expects: lock-across-blocking-call
use rocket::{get,State}; use std::sync::Mutex; struct A { m: Mutex<u32> }
#[get("/x")] fn x(a: &State<A>) -> String { let mut g = a.m.lock().unwrap(); let out = std::process::Command::new("ls").output(); *g += 1; format!("{:?}", out.is_ok()) }
