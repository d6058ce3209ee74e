use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{get, launch, routes, State};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(Default)]
struct App {
    calls: Mutex<HashMap<String, u32>>,
}

impl App {
    fn calls_of(&self, key: &str) -> u32 {
        self.calls
            .lock()
            .unwrap()
            .get(key)
            .copied()
            .unwrap_or_default()
    }

    fn count(&self, key: &str) {
        *self
            .calls
            .lock()
            .unwrap()
            .entry(key.to_string())
            .or_insert(0) += 1;
    }

    fn try_count(&self, key: &str) -> bool {
        let mut calls = self.calls.lock().unwrap();
        let calls = calls.entry(key.to_string()).or_insert(0);
        if *calls >= 100 {
            return false;
        }
        *calls += 1;
        true
    }
}

struct ApiKey(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ApiKey {
    type Error = &'static str;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let app = match request.guard::<&State<App>>().await {
            Outcome::Success(app) => app,
            _ => return Outcome::Error((Status::InternalServerError, "no state")),
        };
        let key = match request.headers().get_one("x-api-key") {
            Some(key) => key,
            None => return Outcome::Error((Status::Unauthorized, "no key")),
        };
        if !app.try_count(key) {
            return Outcome::Error((Status::TooManyRequests, "quota used up"));
        }
        Outcome::Success(ApiKey(key.to_string()))
    }
}

#[get("/data")]
fn act(key: ApiKey) -> String {
    format!("data for {}", key.0)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
