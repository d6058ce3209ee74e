use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

trait Quotas: Send + Sync {
    fn try_charge(&self, user: &str) -> bool;
}

#[derive(Default)]
struct InMemory {
    used: Mutex<HashMap<String, u32>>,
}

impl Quotas for InMemory {
    fn try_charge(&self, user: &str) -> bool {
        let mut all = self.used.lock().unwrap();
        let used = all.entry(user.to_string()).or_insert(0);
        if *used >= 5 {
            return false;
        }
        *used += 1;
        true
    }
}

#[post("/render/<user>")]
async fn render(user: &str, quotas: &State<Box<dyn Quotas>>) -> &'static str {
    if !quotas.try_charge(user) {
        return "quota exceeded";
    }
    rocket::tokio::task::yield_now().await;
    "rendered"
}

#[launch]
fn rocket() -> _ {
    let quotas: Box<dyn Quotas> = Box::new(InMemory::default());
    rocket::build().manage(quotas).mount("/", routes![render])
}
