//! A theatre whose seats are claimed over WebSockets.
//!
//! `GET /hall` opens one; each message names a seat, and is answered "yours" or "taken".
//! The handler has returned by then: what stands between the braces reads the messages. A seat is
//! looked for under one guard and taken under another:
//!
//! ```text
//! first                  second                 seat A1
//! free? yes                                     free
//!                        free? yes              free
//! take                                          taken
//! "yours"                take                   taken
//!                        "yours"                taken
//! ```

use std::collections::HashSet;
use std::sync::Mutex;

use rocket::{get, launch, routes, State};
use rocket_ws::{Message, Stream, WebSocket};

#[derive(Default)]
struct Hall {
    taken: Mutex<HashSet<String>>,
}

#[get("/hall")]
fn hall<'r>(ws: WebSocket, hall: &'r State<Hall>) -> Stream!['r] {
    Stream! { ws =>
        for await message in ws {
            if let Message::Text(seat) = message? {
                let free = !hall.taken.lock().unwrap().contains(&seat);
                if free {
                    hall.taken.lock().unwrap().insert(seat);
                }
                yield if free { "yours" } else { "taken" }.into();
            }
        }
    }
}

#[get("/taken")]
fn taken(hall: &State<Hall>) -> String {
    hall.taken.lock().unwrap().len().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Hall::default())
        .mount("/", routes![hall, taken])
}
