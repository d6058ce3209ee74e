use rocket::request::{FromRequest, Outcome};
use rocket::{delete, http::Status, launch, post, routes, Request, State};
use std::collections::HashSet;
use std::sync::RwLock;

#[derive(Default)]
struct Roles {
    admins: RwLock<HashSet<String>>,
}

struct Admin(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let roles = request.rocket().state::<Roles>().unwrap();
        let name = request.headers().get_one("x-user").unwrap_or("").to_string();
        if roles.admins.read().unwrap().contains(&name) {
            Outcome::Success(Admin(name))
        } else {
            Outcome::Forward(Status::Forbidden)
        }
    }
}

#[post("/admins/<who>")]
fn act(admin: Admin, who: String, roles: &State<Roles>) -> Result<(), Status> {
    let mut admins = roles.admins.write().unwrap();

    admins.insert(who);
    Ok(())
}

#[delete("/admins/<who>")]
fn demote(admin: Admin, who: &str, roles: &State<Roles>) -> Result<(), Status> {
    let mut admins = roles.admins.write().unwrap();
    if !admins.contains(&admin.0) {
        return Err(Status::Forbidden);
    }
    admins.remove(who);
    Ok(())
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(Roles::default()).mount("/", routes![act, demote])
}
