use rocket::{get, launch, post, routes, State};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Mutex;

pub struct Db(Mutex<BTreeMap<u64, Note>>);

impl Deref for Db {
    type Target = Mutex<BTreeMap<u64, Note>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[derive(Clone)]
pub struct Note {
    text: String,
    likes: u32,
}

#[post("/notes/<id>/like")]
fn like(id: u64, db: &State<Db>) -> Option<String> {
    let likes = db.lock().unwrap().get(&id)?.likes;
    let mut notes = db.lock().unwrap();
    let note = notes.get_mut(&id)?;
    note.likes = likes + 1;
    Some(note.text.clone())
}

#[get("/notes/<id>")]
fn note(id: u64, db: &State<Db>) -> Option<String> {
    db.lock()
        .unwrap()
        .get(&id)
        .map(|note| format!("{} ({})", note.text, note.likes))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Db(Mutex::new(BTreeMap::new())))
        .mount("/", routes![like, note])
}
