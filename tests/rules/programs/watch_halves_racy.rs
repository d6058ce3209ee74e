use rocket::{launch, post, routes, State};
use tokio::sync::watch;

#[derive(Clone, Default)]
struct Config {
    limit: u32,
    motd: String,
}

struct Bus {
    tx: watch::Sender<Config>,
    rx: watch::Receiver<Config>,
}

#[post("/limit/<n>")]
fn act(n: u32, bus: &State<Bus>) {
    let mut config = bus.rx.borrow().clone();
    config.limit = n;
    let _ = bus.tx.send(config);
}

#[launch]
fn rocket() -> _ {
    let (tx, rx) = watch::channel(Config::default());
    rocket::build().manage(Bus { tx, rx }).mount("/", routes![act])
}
