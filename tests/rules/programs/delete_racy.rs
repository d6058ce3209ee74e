use dashmap::DashMap;
use rocket::{delete, launch, routes, State};

struct Session {
    user: String,
    refresh_used: bool,
}

struct Sessions {
    by_token: DashMap<String, Session>,
}

#[delete("/session/<token>")]
fn refresh(token: String, sessions: &State<Sessions>) -> Result<String, &'static str> {
    match sessions.by_token.get(&token) {
        Some(session) if session.refresh_used => return Err("token was used"),
        Some(_) => {}
        None => return Err("no such session"),
    }
    let mut session = sessions.by_token.get_mut(&token).ok_or("no such session")?;
    session.refresh_used = true;
    Ok(format!("fresh token for {}", session.user))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Sessions {
            by_token: DashMap::new(),
        })
        .mount("/", routes![refresh])
}
