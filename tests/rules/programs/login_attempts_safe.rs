use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use tokio::sync::Mutex;

const MAX_ATTEMPTS: u32 = 5;

#[derive(Default)]
struct Security {
    attempts: Mutex<HashMap<String, u32>>,
}

impl Security {
    async fn claim(&self, user: &str) -> bool {
        let mut attempts = self.attempts.lock().await;
        let count = attempts.entry(user.to_owned()).or_default();
        *count += 1;
        *count <= MAX_ATTEMPTS
    }

    async fn forgive(&self, user: &str) {
        self.attempts.lock().await.remove(user);
    }
}

async fn verify(user: &str, password: &str) -> bool {
    rocket::tokio::task::yield_now().await;
    user == password
}

#[post("/login/<user>", data = "<password>")]
async fn login(user: &str, password: &str, security: &State<Security>) -> Status {
    if !security.claim(user).await {
        return Status::TooManyRequests;
    }
    if !verify(user, password).await {
        return Status::Unauthorized;
    }
    security.forgive(user).await;
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Security::default())
        .mount("/", routes![login])
}
