use rocket::serde::{json::Json, Deserialize, Serialize};
use rocket::{launch, patch, routes, State};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "rocket::serde")]
struct User {
    name: String,
    email: String,
}

type Users = Arc<RwLock<HashMap<u64, User>>>;

#[patch("/users/<id>/email", data = "<email>")]
fn set_email(id: u64, email: Json<String>, users: &State<Users>) -> Option<Json<User>> {
    let mut user = users.read().unwrap().get(&id)?.clone();
    user.email = email.into_inner();
    users.write().unwrap().insert(id, user.clone());
    Some(Json(user))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Users::default())
        .mount("/", routes![set_email])
}
