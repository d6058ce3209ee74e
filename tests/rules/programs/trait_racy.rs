use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

trait Quotas: Send + Sync {
    fn used(&self, user: &str) -> u32;
    fn charge(&self, user: &str);
}

#[derive(Default)]
struct InMemory {
    used: Mutex<HashMap<String, u32>>,
}

impl Quotas for InMemory {
    fn used(&self, user: &str) -> u32 {
        self.used.lock().unwrap().get(user).copied().unwrap_or(0)
    }

    fn charge(&self, user: &str) {
        *self
            .used
            .lock()
            .unwrap()
            .entry(user.to_string())
            .or_insert(0) += 1;
    }
}

#[post("/render/<user>")]
async fn render(user: &str, quotas: &State<Box<dyn Quotas>>) -> &'static str {
    if quotas.used(user) >= 5 {
        return "quota exceeded";
    }
    rocket::tokio::task::yield_now().await;
    quotas.charge(user);
    "rendered"
}

#[launch]
fn rocket() -> _ {
    let quotas: Box<dyn Quotas> = Box::new(InMemory::default());
    rocket::build().manage(quotas).mount("/", routes![render])
}
