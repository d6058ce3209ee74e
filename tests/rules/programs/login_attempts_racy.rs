use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use tokio::sync::Mutex;

const MAX_ATTEMPTS: u32 = 5;

#[derive(Default)]
struct Security {
    attempts: Mutex<HashMap<String, u32>>,
}

impl Security {
    async fn is_locked(&self, user: &str) -> bool {
        let attempts = self.attempts.lock().await;
        attempts
            .get(user)
            .map_or(false, |count| *count >= MAX_ATTEMPTS)
    }

    async fn record_failure(&self, user: &str) {
        let mut attempts = self.attempts.lock().await;
        *attempts.entry(user.to_owned()).or_default() += 1;
    }
}

async fn verify(user: &str, password: &str) -> bool {
    rocket::tokio::task::yield_now().await;
    user == password
}

#[post("/login/<user>", data = "<password>")]
async fn login(user: &str, password: &str, security: &State<Security>) -> Status {
    if security.is_locked(user).await {
        return Status::TooManyRequests;
    }
    if !verify(user, password).await {
        security.record_failure(user).await;
        return Status::Unauthorized;
    }
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Security::default())
        .mount("/", routes![login])
}
