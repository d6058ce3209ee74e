use rocket::{launch, post, routes, State};
use std::collections::BTreeSet;
use tokio::sync::RwLock;

#[derive(Default)]
struct Ports {
    used: RwLock<BTreeSet<u16>>,
}

#[post("/ports")]
async fn act(ports: &State<Ports>) -> Option<String> {
    let mut used = ports.used.write().await;
    let free = (8000..9000).find(|port| !used.contains(port))?;
    used.insert(free);
    Some(free.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(Ports::default()).mount("/", routes![act])
}
