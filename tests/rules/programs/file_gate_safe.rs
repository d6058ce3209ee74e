use rocket::{launch, post, routes};
use std::{fs, io, sync::Mutex};

static GATE: Mutex<()> = Mutex::new(());

#[post("/notes", data = "<note>")]
fn act(note: String) -> io::Result<()> {
    let _one = GATE.lock().unwrap();
    let mut notes = fs::read_to_string("notes.txt")?;
    notes.push_str(&note);
    fs::write("notes.txt", notes)
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![act])
}
