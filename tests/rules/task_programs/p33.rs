// expects: blocking-call-in-handler
use rocket::get; #[get("/x")] async fn x() -> String { reqwest::blocking::get("http://x").unwrap().text().unwrap() }
