use lazy_static::lazy_static;
use rocket::{launch, post, routes};
use std::collections::HashMap;
use std::sync::Mutex;

lazy_static! {
    static ref VOTES: Mutex<HashMap<String, u32>> = Mutex::new(HashMap::new());
}

#[post("/vote/<user>/<choice>")]
fn vote(user: String, choice: u32) -> &'static str {
    let mut votes = VOTES.lock().unwrap();
    if votes.contains_key(&user) {
        return "you have voted";
    }
    votes.insert(user, choice);
    "thank you"
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![vote])
}
