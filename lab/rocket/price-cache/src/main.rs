//! A price list with a cache before it, as of a database.
//!
//! Who looks up a price that is not in the cache reads the list and leaves it there.
//! Who changes a price takes the old one out of the cache, writes the list, and puts
//! the new one in. Each step is under its lock, and it takes two gaps to go wrong:
//! the one who looks must come just after the old price is taken out, read the list
//! just before it is written, and be late with what it read:
//!
//! ```text
//! changes 3 to 4         looks                  cache
//! take out                                      empty
//!                        nothing there          empty
//!                        list: 3                empty
//! list: 4, put 4                                4
//!                        put 3                  3
//! ```
//!
//! From now on everybody is told 3, and nothing takes it out again.

use std::collections::HashMap;
use std::sync::Mutex;

use rocket::{get, launch, put, routes, State};

struct Prices {
    /// Stands for the database.
    listed: Mutex<HashMap<String, u32>>,
    cached: Mutex<HashMap<String, u32>>,
}

impl Prices {
    fn of_today() -> Self {
        let prices = HashMap::from([("tea".to_string(), 3)]);
        Prices {
            listed: Mutex::new(prices.clone()),
            cached: Mutex::new(prices),
        }
    }
}

#[get("/price/<item>")]
fn price(item: &str, prices: &State<Prices>) -> String {
    let cached = prices.cached.lock().unwrap().get(item).copied();
    if let Some(price) = cached {
        return price.to_string();
    }
    let price = prices
        .listed
        .lock()
        .unwrap()
        .get(item)
        .copied()
        .unwrap_or(0);
    prices
        .cached
        .lock()
        .unwrap()
        .insert(item.to_string(), price);
    price.to_string()
}

#[put("/price/<item>/<new>")]
fn change(item: &str, new: u32, prices: &State<Prices>) -> String {
    prices.cached.lock().unwrap().remove(item);
    prices.listed.lock().unwrap().insert(item.to_string(), new);
    prices.cached.lock().unwrap().insert(item.to_string(), new);
    new.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Prices::of_today())
        .mount("/", routes![price, change])
}
