//! A kitchen that stops.
//!
//! A dish needs the oven and the cook. `POST /bake` takes the oven, heats it, and then
//! the cook; `POST /roast` takes the cook, who prepares, and then the oven. The locks
//! are tokio's, so a request that waits blocks no thread, and may keep a lock over an
//! `.await`. Two that each wait for the other wait for ever all the same:
//!
//! ```text
//! POST /bake              POST /roast
//! lock the oven
//!                         lock the cook
//! heat …                  prepare …
//! lock the cook: waits
//!                         lock the oven: waits, for ever
//! ```

use std::time::Duration;

use rocket::tokio::{sync::Mutex, time::sleep};
use rocket::{launch, post, routes, State};

#[derive(Default)]
struct Kitchen {
    oven: Mutex<u32>,
    cook: Mutex<u32>,
}

/// Stands for whatever takes its time.
async fn a_while() {
    sleep(Duration::from_millis(1)).await;
}

#[post("/bake")]
async fn bake(kitchen: &State<Kitchen>) -> String {
    let mut oven = kitchen.oven.lock().await;
    a_while().await;
    let mut cook = kitchen.cook.lock().await;
    *oven += 1;
    *cook += 1;
    format!("dish {} of the oven, {} of the cook", oven, cook)
}

#[post("/roast")]
async fn roast(kitchen: &State<Kitchen>) -> String {
    let mut cook = kitchen.cook.lock().await;
    a_while().await;
    let mut oven = kitchen.oven.lock().await;
    *cook += 1;
    *oven += 1;
    format!("dish {} of the oven, {} of the cook", oven, cook)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Kitchen::default())
        .mount("/", routes![bake, roast])
}
