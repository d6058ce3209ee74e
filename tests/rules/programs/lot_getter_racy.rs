use rocket::{http::Status, launch, post, routes, State};
use std::sync::Mutex;

#[derive(Default)]
struct Lot {
    best: u64,
}

struct House {
    lots: Vec<Mutex<Lot>>,
}

impl House {
    fn slot(&self, n: usize) -> Result<&Mutex<Lot>, Status> {
        self.lots.get(n).ok_or(Status::NotFound)
    }
}

#[post("/lots/<n>/bids/<amount>")]
fn act(n: usize, amount: u64, house: &State<House>) -> Result<(), Status> {
    let best = house.slot(n)?.lock().unwrap().best;
    if amount <= best {
        return Err(Status::Conflict);
    }
    house.slot(n)?.lock().unwrap().best = amount;
    Ok(())
}

#[launch]
fn rocket() -> _ {
    let lots = (0..9).map(|_| Mutex::default()).collect();
    rocket::build().manage(House { lots }).mount("/", routes![act])
}
