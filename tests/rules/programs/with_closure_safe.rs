use parking_lot::RwLock;
use rocket::{launch, post, routes, State};

#[derive(Default)]
struct Log {
    lines: Vec<String>,
}

#[derive(Default)]
struct App {
    log: RwLock<Log>,
}

impl App {
    fn read<R>(&self, f: impl FnOnce(&Log) -> R) -> R {
        f(&self.log.read())
    }

    fn write<R>(&self, f: impl FnOnce(&mut Log) -> R) -> R {
        f(&mut self.log.write())
    }
}

#[post("/log/<line>")]
fn act(line: String, app: &State<App>) -> String {
    app.write(|log| {
        let number = log.lines.len();
        log.lines.push(format!("{number}: {line}"));
        number.to_string()
    })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
