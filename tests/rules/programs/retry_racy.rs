use rocket::{launch, post, routes, State};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;

struct Raffle {
    left: AtomicU32,
    winners: Mutex<Vec<String>>,
}

#[post("/draw/<name>")]
fn draw(name: String, raffle: &State<Raffle>) -> &'static str {
    let drawn = raffle
        .left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            if left == 0 {
                return None;
            }
            raffle.winners.lock().unwrap().push(name.clone());
            Some(left - 1)
        });
    match drawn {
        Ok(_) => "you won",
        Err(_) => "too late",
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Raffle {
            left: AtomicU32::new(10),
            winners: Mutex::new(vec![]),
        })
        .mount("/", routes![draw])
}
