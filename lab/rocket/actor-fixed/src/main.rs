//! A box office whose seats belong to one task, and who wants one says it at once.
//!
//! The twin of `actor`. There, a request asks whether a seat is free and then has it
//! sold, in two messages, and the task serves others in between. Here one message
//! says what is wanted, and the task looks and sells in one turn:
//!
//! ```text
//! first                  second                 seat A1
//! sell if free: done                            sold 1 time
//!                        sell if free: no       sold 1 time
//! ```

use std::collections::HashMap;

use rocket::http::Status;
use rocket::tokio::sync::{mpsc, oneshot};
use rocket::{get, launch, post, routes, State};

enum Message {
    SellIfFree(String, oneshot::Sender<bool>),
    Sold(String, oneshot::Sender<u32>),
}

struct BoxOffice {
    desk: mpsc::Sender<Message>,
}

impl BoxOffice {
    fn open() -> Self {
        let (desk, messages) = mpsc::channel(16);
        rocket::tokio::spawn(serve(messages));
        BoxOffice { desk }
    }
}

/// Owns the seats: how often each was sold.
async fn serve(mut messages: mpsc::Receiver<Message>) {
    let mut sold: HashMap<String, u32> = HashMap::new();
    while let Some(message) = messages.recv().await {
        match message {
            Message::SellIfFree(seat, reply) => {
                let free = !sold.contains_key(&seat);
                if free {
                    sold.insert(seat, 1);
                }
                let _ = reply.send(free);
            }
            Message::Sold(seat, reply) => {
                let _ = reply.send(sold.get(&seat).copied().unwrap_or(0));
            }
        }
    }
}

#[post("/book/<seat>")]
async fn book(seat: &str, office: &State<BoxOffice>) -> (Status, &'static str) {
    let (reply, done) = oneshot::channel();
    let _ = office
        .desk
        .send(Message::SellIfFree(seat.to_string(), reply))
        .await;
    if !done.await.unwrap_or(false) {
        return (Status::Conflict, "sold already");
    }
    (Status::Ok, "yours")
}

#[get("/sold/<seat>")]
async fn sold(seat: &str, office: &State<BoxOffice>) -> String {
    let (reply, times) = oneshot::channel();
    let _ = office
        .desk
        .send(Message::Sold(seat.to_string(), reply))
        .await;
    times.await.unwrap_or(0).to_string()
}

#[launch]
async fn rocket() -> _ {
    rocket::build()
        .manage(BoxOffice::open())
        .mount("/", routes![book, sold])
}
