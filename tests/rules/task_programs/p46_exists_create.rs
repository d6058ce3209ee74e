// expects: file-check-then-act
use rocket::post; use std::path::PathBuf; use std::fs::File; use std::io::Write;
#[post("/claim/<name>")] fn claim(name: &str) -> std::io::Result<&'static str> {
  let mut p = PathBuf::from("claims"); p.push(name);
  if p.exists() { return Ok("taken"); }
  let mut f = File::create(&p)?; f.write_all(b"x")?; Ok("yours") }
