//! A box office whose seats belong to one task.
//!
//! Nobody else touches the seats: requests send the task messages, and it handles one
//! at a time. So there is no lock, and no two threads ever meet in the map. But
//! `POST /book/<seat>` sends two: is the seat free, and if so, sell it. Each is one
//! step, and between the two the task serves whoever comes next:
//!
//! ```text
//! first                  second                 seat A1
//! free?  yes                                    free
//!                        free?  yes             free
//! sell, "yours"                                 sold 1 time
//!                        sell, "yours"          sold 2 times
//! ```

use std::collections::HashMap;

use rocket::http::Status;
use rocket::tokio::sync::{mpsc, oneshot};
use rocket::{get, launch, post, routes, State};

enum Message {
    IsFree(String, oneshot::Sender<bool>),
    Sell(String, oneshot::Sender<()>),
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
            Message::IsFree(seat, reply) => {
                let _ = reply.send(!sold.contains_key(&seat));
            }
            Message::Sell(seat, reply) => {
                *sold.entry(seat).or_insert(0) += 1;
                let _ = reply.send(());
            }
            Message::Sold(seat, reply) => {
                let _ = reply.send(sold.get(&seat).copied().unwrap_or(0));
            }
        }
    }
}

#[post("/book/<seat>")]
async fn book(seat: &str, office: &State<BoxOffice>) -> (Status, &'static str) {
    let (reply, free) = oneshot::channel();
    let _ = office
        .desk
        .send(Message::IsFree(seat.to_string(), reply))
        .await;
    if !free.await.unwrap_or(false) {
        return (Status::Conflict, "sold already");
    }

    let (reply, done) = oneshot::channel();
    let _ = office
        .desk
        .send(Message::Sell(seat.to_string(), reply))
        .await;
    let _ = done.await;
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
