use rocket::{get, launch, routes};
use std::sync::OnceLock;

static INSTANCE_ID: OnceLock<String> = OnceLock::new();

fn generate() -> String {
    format!("{:?}", std::time::Instant::now())
}

#[get("/instance")]
fn instance() -> String {
    if let Some(id) = INSTANCE_ID.get() {
        return id.clone();
    }
    let id = generate();
    let _ = INSTANCE_ID.set(id.clone());
    id
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![instance])
}
