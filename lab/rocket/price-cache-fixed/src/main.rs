//! A price list with a cache before it, as of a database.
//!
//! Whoever puts something into the cache holds the list while reading or writing the
//! price and until it is there, so nobody can be late with it: what was read from the
//! list is still what the list says.

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
    let listed = prices.listed.lock().unwrap();
    let price = listed.get(item).copied().unwrap_or(0);
    prices
        .cached
        .lock()
        .unwrap()
        .insert(item.to_string(), price);
    price.to_string()
}

#[put("/price/<item>/<new>")]
fn change(item: &str, new: u32, prices: &State<Prices>) -> String {
    let mut listed = prices.listed.lock().unwrap();
    prices.cached.lock().unwrap().remove(item);
    listed.insert(item.to_string(), new);
    prices.cached.lock().unwrap().insert(item.to_string(), new);
    new.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Prices::of_today())
        .mount("/", routes![price, change])
}
