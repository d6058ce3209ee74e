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
    fn try_add(&self, name: &str) -> bool {
        let mut show = self.inner.show.write().unwrap();
        if show.booked.len() >= show.capacity {
            return false;
        }
        show.booked.push(name.to_string());
        true
    }
}

#[post("/book/<name>")]
fn book(name: &str, theatre: &State<Theatre>) -> &'static str {
    if !theatre.try_add(name) {
        return "sold out";
    }
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
