use rocket::{get, launch, routes};
use std::sync::OnceLock;

static INSTANCE_ID: OnceLock<String> = OnceLock::new();

fn generate() -> String {
    format!("{:?}", std::time::Instant::now())
}

#[get("/instance")]
fn instance() -> String {
    INSTANCE_ID.get_or_init(generate).clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![instance])
}
