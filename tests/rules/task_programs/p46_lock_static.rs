// expects: nothing
use rocket::post; use std::sync::Mutex; use std::fs;
static FILE: Mutex<()> = Mutex::new(());
#[post("/add")] fn add() -> Option<()> { let _g = FILE.lock().ok()?; let n: u32 = fs::read_to_string("n").ok()?.trim().parse().ok()?; fs::write("n", (n+1).to_string()).ok()?; Some(()) }
