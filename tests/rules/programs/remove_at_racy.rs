use rocket::serde::uuid::Uuid;
use rocket::{delete, launch, routes, State};
use std::sync::{Arc, Mutex};

struct Task {
    id: Uuid,
    title: String,
}

type Tasks = Arc<Mutex<Vec<Task>>>;

#[delete("/tasks/<id>")]
fn act(id: Uuid, tasks: &State<Tasks>) -> Option<String> {
    let at = tasks
        .lock()
        .unwrap()
        .iter()
        .position(|task| task.id == id)?;
    let gone = tasks.lock().unwrap().remove(at);
    Some(gone.title)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Tasks::default())
        .mount("/", routes![act])
}
