use rocket::serde::json::{json, Value};
use rocket::{get, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

struct Session {
    user: String,
    seen: Instant,
}

struct App {
    started: Instant,
    sessions: Arc<RwLock<HashMap<String, Session>>>,
    requests: Mutex<u64>,
}

impl App {
    fn user_of(&self, token: &str) -> Option<String> {
        self.sessions
            .read()
            .ok()?
            .get(token)
            .map(|session| session.user.clone())
    }
}

#[post("/login/<user>")]
fn login(user: String, app: &State<App>) -> String {
    let token = format!("{:x}", app.started.elapsed().as_nanos());
    let session = Session {
        user,
        seen: Instant::now(),
    };
    app.sessions.write().unwrap().insert(token.clone(), session);
    *app.requests.lock().unwrap() += 1;
    token
}

#[post("/touch/<token>")]
fn touch(token: &str, app: &State<App>) -> &'static str {
    let mut sessions = app.sessions.write().unwrap();
    if let Some(session) = sessions.get_mut(token) {
        if session.seen.elapsed().as_secs() < 3600 {
            session.seen = Instant::now();
            return "touched";
        }
        sessions.remove(token);
    }
    "gone"
}

#[get("/me/<token>")]
fn me(token: &str, app: &State<App>) -> Option<Value> {
    let user = app.user_of(token)?;
    *app.requests.lock().unwrap() += 1;
    Some(json!({ "user": user }))
}

#[get("/stats")]
fn stats(app: &State<App>) -> Value {
    let sessions = app.sessions.read().unwrap().len();
    let requests = *app.requests.lock().unwrap();
    json!({ "sessions": sessions, "requests": requests, "uptime": app.started.elapsed().as_secs() })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App {
            started: Instant::now(),
            sessions: Arc::default(),
            requests: Mutex::new(0),
        })
        .mount("/", routes![login, touch, me, stats])
}
