use rocket::{launch, post, routes, State};
use std::sync::{Arc, RwLock};

struct Show {
    capacity: usize,
    booked: Vec<String>,
}

struct Inner {
    show: RwLock<Show>,
}

struct Theatre {
    inner: Arc<Inner>,
}

impl Theatre {
    fn has_room(&self) -> bool {
        let show = self.inner.show.read().unwrap();
        show.booked.len() < show.capacity
    }

    fn add(&self, name: &str) {
        self.inner
            .show
            .write()
            .unwrap()
            .booked
            .push(name.to_string());
    }
}

#[post("/book/<name>")]
fn book(name: &str, theatre: &State<Theatre>) -> &'static str {
    if !theatre.has_room() {
        return "sold out";
    }
    theatre.add(name);
    "booked"
}

#[launch]
fn rocket() -> _ {
    let show = RwLock::new(Show {
        capacity: 100,
        booked: vec![],
    });
    let theatre = Theatre {
        inner: Arc::new(Inner { show }),
    };
    rocket::build().manage(theatre).mount("/", routes![book])
}
