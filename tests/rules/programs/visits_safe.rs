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

    fn increment(&self) -> u64 {
        let mut count = self.count.lock();
        *count += 1;
        *count
    }
}

#[get("/visit")]
fn visit(visits: &State<Visits>) -> String {
    format!("visit {}", visits.increment())
}

#[get("/visits")]
fn visits(visits: &State<Visits>) -> String {
    visits.current().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Visits::default())
        .mount("/", routes![visit, visits])
}
