use rocket::{get, launch, post, routes, State};
use std::cell::UnsafeCell;

struct Shared<T>(UnsafeCell<T>);

unsafe impl<T> Sync for Shared<T> {}

impl<T: Clone> Shared<T> {
    fn get(&self) -> T {
        unsafe { (*self.0.get()).clone() }
    }

    fn set(&self, value: T) {
        unsafe { *self.0.get() = value }
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
            motto: Shared(UnsafeCell::new(String::new())),
        })
        .mount("/", routes![motto, set_motto])
}
