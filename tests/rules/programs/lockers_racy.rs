use parking_lot::RwLock;
use rocket::{launch, post, routes, State};

#[derive(PartialEq)]
enum Locker {
    Free,
    Used(u32),
}

struct App {
    lockers: Vec<RwLock<Locker>>,
}

#[post("/lockers?<who>")]
fn act(who: u32, app: &State<App>) -> Option<String> {
    for (number, locker) in app.lockers.iter().enumerate() {
        if *locker.read() == Locker::Free {
            *locker.write() = Locker::Used(who);
            return Some(number.to_string());
        }
    }
    None
}

#[launch]
fn rocket() -> _ {
    let lockers = (0..20).map(|_| RwLock::new(Locker::Free)).collect();
    rocket::build().manage(App { lockers }).mount("/", routes![act])
}
