use rocket::serde::{json::Json, Deserialize, Serialize};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "rocket::serde")]
struct Todo {
    title: String,
    done: bool,
}

#[derive(Default)]
struct Todos {
    next: AtomicUsize,
    all: Mutex<HashMap<usize, Todo>>,
}

#[get("/todos")]
fn list(todos: &State<Todos>) -> Json<Vec<Todo>> {
    Json(todos.all.lock().unwrap().values().cloned().collect())
}

#[post("/todos", data = "<todo>")]
fn create(todo: Json<Todo>, todos: &State<Todos>) -> Json<usize> {
    let id = todos.next.fetch_add(1, Ordering::Relaxed);
    todos.all.lock().unwrap().insert(id, todo.into_inner());
    Json(id)
}

#[put("/todos/<id>", data = "<todo>")]
fn update(id: usize, todo: Json<Todo>, todos: &State<Todos>) -> Status {
    match todos.all.lock().unwrap().get_mut(&id) {
        Some(existing) => {
            *existing = todo.into_inner();
            Status::Ok
        }
        None => Status::NotFound,
    }
}

#[delete("/todos/<id>")]
fn remove(id: usize, todos: &State<Todos>) -> Status {
    if todos.all.lock().unwrap().remove(&id).is_some() {
        Status::NoContent
    } else {
        Status::NotFound
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Todos::default())
        .mount("/", routes![list, create, update, remove])
}
