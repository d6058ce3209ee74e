use rocket::{get, launch, post, routes, State};
use std::sync::RwLock;

struct Shared<T>(RwLock<T>);

impl<T: Clone> Shared<T> {
    fn get(&self) -> T {
        self.0.read().unwrap().clone()
    }

    fn set(&self, value: T) {
        *self.0.write().unwrap() = value;
    }
}

struct App {
    motto: Shared<String>,
}

#[get("/motto")]
fn motto(app: &State<App>) -> String {
    app.motto.get()
}

#[post("/motto/<text>")]
fn set_motto(text: String, app: &State<App>) {
    app.motto.set(text);
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App {
            motto: Shared(RwLock::new(String::new())),
        })
        .mount("/", routes![motto, set_motto])
}
