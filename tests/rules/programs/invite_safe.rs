use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::RwLock;

struct Invite {
    used_by: Option<String>,
}

struct Invites(RwLock<HashMap<String, Invite>>);

impl Invites {
    fn take(&self, code: &str, user: &str) -> bool {
        match self.0.write().unwrap().get_mut(code) {
            Some(invite) if invite.used_by.is_none() => {
                invite.used_by = Some(user.to_string());
                true
            }
            _ => false,
        }
    }
}

#[post("/join/<code>/<user>")]
fn join(code: &str, user: &str, invites: &State<Invites>) -> Result<&'static str, &'static str> {
    if invites.take(code, user) {
        Ok("welcome")
    } else {
        Err("that invitation is gone")
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Invites(RwLock::new(HashMap::new())))
        .mount("/", routes![join])
}
