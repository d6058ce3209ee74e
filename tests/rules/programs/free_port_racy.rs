use rocket::{launch, post, routes, State};
use std::collections::BTreeSet;
use tokio::sync::RwLock;

#[derive(Default)]
struct Ports {
    used: RwLock<BTreeSet<u16>>,
}

impl Ports {
    async fn first_free(&self) -> Option<u16> {
        let used = self.used.read().await;
        (8000..9000).find(|port| !used.contains(port))
    }
}

#[post("/ports")]
async fn act(ports: &State<Ports>) -> Option<String> {
    let free = ports.first_free().await?;
    ports.used.write().await.insert(free);
    Some(free.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(Ports::default()).mount("/", routes![act])
}
