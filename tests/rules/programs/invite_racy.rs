use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::sync::RwLock;

struct Invite {
    used_by: Option<String>,
}

struct Invites(RwLock<HashMap<String, Invite>>);

impl Invites {
    fn is_free(&self, code: &str) -> bool {
        match self.0.read().unwrap().get(code) {
            Some(invite) => invite.used_by.is_none(),
            None => false,
        }
    }

    fn take(&self, code: &str, user: &str) {
        if let Some(invite) = self.0.write().unwrap().get_mut(code) {
            invite.used_by = Some(user.to_string());
        }
    }
}

#[post("/join/<code>/<user>")]
fn join(code: &str, user: &str, invites: &State<Invites>) -> Result<&'static str, &'static str> {
    if !invites.is_free(code) {
        return Err("that invitation is gone");
    }
    invites.take(code, user);
    Ok("welcome")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Invites(RwLock::new(HashMap::new())))
        .mount("/", routes![join])
}
