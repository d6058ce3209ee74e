use parking_lot::Mutex;
use rocket::{get, launch, routes, State};

#[derive(Default)]
struct Visits {
    count: Mutex<u64>,
}

impl Visits {
    fn current(&self) -> u64 {
        *self.count.lock()
    }

    fn replace(&self, value: u64) {
        *self.count.lock() = value;
    }
}

#[get("/visit")]
fn visit(visits: &State<Visits>) -> String {
    let seen = visits.current();
    visits.replace(seen + 1);
    format!("visit {}", seen + 1)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Visits::default())
        .mount("/", routes![visit])
}
