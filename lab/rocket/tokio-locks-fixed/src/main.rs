//! A kitchen in which everybody takes the oven first.
//!
//! The twin of `tokio-locks`. There, one dish takes the oven and then the cook, the
//! other the cook and then the oven. Here both take the oven first, and who comes
//! second waits there, holding nothing:
//!
//! ```text
//! POST /bake              POST /roast
//! lock the oven
//!                         lock the oven: waits
//! heat, lock the cook
//! done, release both
//!                         lock the oven, go on
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
    let mut oven = kitchen.oven.lock().await;
    let mut cook = kitchen.cook.lock().await;
    a_while().await;
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
